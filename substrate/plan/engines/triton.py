"""NVIDIA's Triton: flags, start, drain. Facts: runtimes.md 3.1 and docs/decisions/triton.md, seen with 2.51."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from substrate.facts.engines import ENGINES, MODELS_MOUNT, TRITON
from substrate.plan.engines import triton_config
from substrate.plan.engines.base import ANSWER, ENDPOINT_REMOVAL, EXIT, KSERVE_V2, SCRATCH_MOUNT, Placement, Serving
from substrate.plan.repository import TritonPlan
from substrate.plan.types import EnginePlan
from substrate.values import Bytes, Duration

FACTS = ENGINES[TRITON]
READY = "/v2/health/ready"
# Loading a model takes a configuration and files from whoever asks, which is to run any code; shared memory, traces and
# logs are for who owns the pod too. Who may read the pod knows its UID (122 random bits), and nobody else does.
RESTRICTED = ("model-repository", "shared-memory", "trace", "logging")
PYTHON = "python"
KEY, POD_UID = "substrate-pod", "POD_UID"
# The python backend's own: each instance begins with 1 MiB of /dev/shm and takes more as tensors ask for it.
SHARED_MEMORY_OF_AN_INSTANCE = Bytes.parse("64Mi")


class TritonServer:
    """Models of every backend that its image holds, several in one server."""

    name = TRITON
    port = FACTS.port
    endpoint = KSERVE_V2
    metrics_path: str | None = "/metrics"
    command: tuple[str, ...] | None = None

    def image(self, placement: Placement) -> str:
        return f"nvcr.io/nvidia/tritonserver:{FACTS.release}-py3"

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]:
        """What no model changes, see `for_models` for the rest. The image's entry point runs what it is given."""
        closed = ",".join(RESTRICTED)
        return (
            "tritonserver",
            f"--model-repository={MODELS_MOUNT}",
            "--model-control-mode=explicit",
            "--disable-auto-complete-config",
            "--exit-on-error=true",
            f"--exit-timeout-secs={ANSWER:.0f}",
            f"--http-port={FACTS.port}",
            f"--grpc-port={FACTS.grpc_port}",
            f"--metrics-port={FACTS.metrics_port}",
            "--allow-sagemaker=false",
            "--allow-vertex-ai=false",
            f"--http-restricted-api={closed}:{KEY}=$({POD_UID})",
            f"--grpc-restricted-protocol={closed}:{KEY}=$({POD_UID})",
        )

    def health(self, serving: Serving) -> str:
        return READY

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]:
        """ONNX Runtime 1.29 and newer sends telemetry unless it is told not to."""
        return {"HOME": SCRATCH_MOUNT, "ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": str(placement.threads)}

    def start(self, placement: Placement) -> Duration:
        """On CPU 2 s were seen with python models of 20 lines; imports and CUDA contexts take longer (an estimate)."""
        return Duration(60) if placement.gpus else Duration(20)

    def pre_stop(self) -> Mapping[str, object]:
        # After SIGTERM it answers what it has and refuses what is new: so the endpoint goes first.
        return {"sleep": {"seconds": round(ENDPOINT_REMOVAL + 5)}}

    def grace(self) -> Duration:
        """One idle connection that stays open holds the exit up for the whole of --exit-timeout-secs."""
        return Duration(ENDPOINT_REMOVAL + 5 + ANSWER + EXIT)

    def shared_memory(self, placement: Placement) -> Bytes | None:
        return SHARED_MEMORY_OF_AN_INSTANCE

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        """A model passes through main memory on its way to the GPU, and python models compute in it."""
        return Bytes(weights + Bytes.parse("4Gi"))


def for_models(engine: EnginePlan, models: Mapping[str, TritonPlan]) -> EnginePlan:
    """The engine's plan with what its models (by served name) ask for: configurations, loads, processes.

    With strict readiness a server is not ready while any model is away; where models come and go, it need only run.
    """
    loads = tuple(f"--load-model={name}" for name, model in models.items() if model.loaded)
    strict = () if len(loads) == len(models) else ("--strict-readiness=false",)
    processes = sum(model.instances for model in models.values() if model.backend == PYTHON)
    return replace(
        engine,
        args=(*engine.args, *strict, *loads),
        shared_memory=Bytes(SHARED_MEMORY_OF_AN_INSTANCE * max(1, processes)),
        files={f"{name}.pbtxt": triton_config.text(name, model) for name, model in models.items()},
        places={f"{name}.pbtxt": f"{MODELS_MOUNT}/{name}/config.pbtxt" for name in models},
        # An ensemble has a version like any model, and no file in it.
        folders=tuple(version_of(name) for name, model in models.items() if model.backend is None),
        of_the_pod={POD_UID: "metadata.uid"},
    )


def version_of(name: str) -> str:
    """Where a model's files lie. A digest's folder never changes, so one version is all there ever is."""
    return f"{MODELS_MOUNT}/{name}/1"
