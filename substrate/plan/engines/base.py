"""What a plan asks of an engine. Imports values and facts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

from substrate.facts.engines import MODELS_MOUNT
from substrate.values import Bytes, ComputeCapability, Cores, Digest, Duration

SCRATCH_MOUNT = "/tmp"
CONFIG_MOUNT = "/etc/substrate"
# What a client speaks at a model's URL.
OPENAI, KSERVE_V2, CUSTOM = "openai", "kserve-v2", "custom"
# Between a pod's deletion and the last proxy that forgets it: what KServe's and production-stack's templates allow for.
ENDPOINT_REMOVAL = Duration(5)
# What a request in flight may still take once no new one arrives.
ANSWER = Duration(30)
# Beyond the drain, for the engine's own exit: SIGKILL must never be what ends a healthy server.
EXIT = Duration(15)


@dataclass(frozen=True)
class Serving:
    """What is asked for: names, files, sizes. `context` is tokens of one request; `parallel` is requests at once.

    `mount` is where the weights lie in the container: the foundation's choice. `digests` are the files' sha256.
    `kv_cache` is what the fit reserves for keys and values, None where the architecture is not known. `adapter_rank` is
    None but for a LoRA adapter.
    """

    served_name: str
    files: tuple[str, ...]
    context: int
    parallel: int
    mount: str = MODELS_MOUNT
    digests: Mapping[str, Digest] = field(default_factory=dict)
    kv_cache: Bytes | None = None
    adapter_rank: int | None = None


@dataclass(frozen=True)
class Placement:
    """What it runs on. `compute_capability` is None without an NVIDIA GPU; `gpus` is 0 on a CPU pool."""

    gpus: int
    cpus: Cores
    compute_capability: ComputeCapability | None
    bf16: bool

    @property
    def threads(self) -> int:
        """One for each core, and for what is left of one."""
        return ceil(self.cpus)


class Engine(Protocol):
    """One runtime: flags from typed values, never free text."""

    name: str
    port: int
    # What clients speak: openai, kserve-v2, custom.
    endpoint: str
    # None where the engine exports no metrics.
    metrics_path: str | None
    # In place of the image's entry point; None where that one is right.
    command: tuple[str, ...] | None

    def image(self, placement: Placement) -> str:
        """The image where the stack names none; always with a tag."""
        ...

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]: ...

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]: ...

    def health(self, serving: Serving) -> str:
        """The path that answers 200 once the model answers, and not before."""
        ...

    def start(self, placement: Placement) -> Duration:
        """From process start to ready, without the time to read the weights."""
        ...

    def pre_stop(self) -> Mapping[str, object]:
        """A Kubernetes lifecycle handler that ends before SIGTERM is sent."""
        ...

    def grace(self) -> Duration:
        """terminationGracePeriodSeconds: pre-stop, drain and exit together."""
        ...

    def shared_memory(self, placement: Placement) -> Bytes | None:
        """Size of /dev/shm, None where the engine needs none."""
        ...

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        """Main memory of a replica on a GPU pool; on a CPU pool the fit's need stands in its place."""
        ...
