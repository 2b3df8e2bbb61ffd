"""What a plan asks of an engine. Imports values and the plan's types only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from substrate.values import Bytes, ComputeCapability, Duration

MODELS_MOUNT = "/models"
SCRATCH_MOUNT = "/tmp"
# Between a pod's deletion and the last proxy that forgets it: what KServe's and production-stack's templates allow for.
ENDPOINT_REMOVAL = Duration(5)
# What a request in flight may still take once no new one arrives.
ANSWER = Duration(30)
# Beyond the drain, for the engine's own exit: SIGKILL must never be what ends a healthy server.
EXIT = Duration(15)


@dataclass(frozen=True)
class Serving:
    """What is asked for: names, files, sizes. `context` is tokens of one request; `parallel` is requests at once."""

    served_name: str
    files: tuple[str, ...]
    context: int
    parallel: int


@dataclass(frozen=True)
class Placement:
    """What it runs on. `compute_capability` is None without an NVIDIA GPU; `gpus` is 0 on a CPU pool."""

    gpus: int
    cpus: int
    compute_capability: ComputeCapability | None
    bf16: bool


class Engine(Protocol):
    """One runtime: flags from typed values, never free text."""

    name: str
    port: int
    health_path: str
    metrics_path: str

    def image(self, placement: Placement) -> str:
        """The image where the stack names none; always with a tag."""
        ...

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]: ...

    def environment(self, placement: Placement) -> Mapping[str, str]: ...

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
