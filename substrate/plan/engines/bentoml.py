"""BentoML as an engine: command, environment, probes, drain; substrate.plan.bento adds what a bento's block says.

Facts: docs/decisions/bentoml.md, seen with 1.4.40.
"""

from __future__ import annotations

from collections.abc import Mapping

from substrate.facts.bentoml import (
    BENTO_MOUNT,
    BENTOML,
    DEFAULT_TIMEOUT,
    METRICS_PATH,
    PORT,
    READY,
    RELEASE,
    SERVICE_MEMORY,
)
from substrate.plan.engines.base import CUSTOM, ENDPOINT_REMOVAL, EXIT, SCRATCH_MOUNT, Placement, Serving
from substrate.values import Bytes, Duration

# After SIGTERM requests in flight end well, and new connections hang and are reset: the endpoint goes first.
BEFORE_SIGTERM = Duration(ENDPOINT_REMOVAL + 10)


class BentoMl:
    """A bento, from its image or mounted into the runner's."""

    name = BENTOML
    port = PORT
    endpoint = CUSTOM
    metrics_path: str | None = METRICS_PATH
    # The image's entry point, BentoML's own in both kinds of image, adds the bento's path to the arguments.
    command: tuple[str, ...] | None = None

    def image(self, placement: Placement) -> str:
        """For staged bentos; BentoML publishes none, so an existing cluster names its own (README.md)."""
        return f"substrate.local/bentoml:{RELEASE}"

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]:
        """All services of the bento in one pod. The port is written: a decorator may say another."""
        return ("serve", f"--port={PORT}")

    def health(self, serving: Serving) -> str:
        return READY

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]:
        """BENTOML_CONTAINERIZED ends a server whose workers died; without, it holds its port and answers nothing."""
        return {
            "HOME": SCRATCH_MOUNT,
            "BENTOML_HOME": f"{SCRATCH_MOUNT}/bentoml",
            "BENTOML_CONTAINERIZED": "true",
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTO_PATH": BENTO_MOUNT,
        }

    def start(self, placement: Placement) -> Duration:
        """3.2 s were seen with numpy; a framework's imports and a model's set-up may take ten times that."""
        return Duration(60) if placement.gpus else Duration(30)

    def pre_stop(self) -> Mapping[str, object]:
        return {"sleep": {"seconds": round(BEFORE_SIGTERM)}}

    def grace(self) -> Duration:
        return grace(DEFAULT_TIMEOUT)

    def shared_memory(self, placement: Placement) -> Bytes | None:
        """Frameworks hand tensors from process to process in /dev/shm; on CPUs a service is one process."""
        return Bytes.parse("1Gi") if placement.gpus else None

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        """The files once as they are read and once as the service keeps them, beside the service."""
        return memory(weights)


def grace(timeout: Duration) -> Duration:
    """terminationGracePeriodSeconds: no request outlives its service's timeout."""
    return Duration(BEFORE_SIGTERM + timeout + EXIT)


def memory(weights: Bytes) -> Bytes:
    """Main memory of a replica where its block says nothing."""
    return Bytes(2 * weights + SERVICE_MEMORY)
