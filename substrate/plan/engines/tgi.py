"""text-generation-inference: flags, start, drain. Archived in 2026-03; read (runtimes.md 2.2), not run."""

from __future__ import annotations

from collections.abc import Mapping

from substrate.facts.engines import ENGINES, TGI
from substrate.plan.engines.base import ANSWER, ENDPOINT_REMOVAL, EXIT, OPENAI, SCRATCH_MOUNT, Placement, Serving
from substrate.values import Bytes, Duration

FACTS = ENGINES[TGI]
IMAGE = f"ghcr.io/huggingface/text-generation-inference:{FACTS.release}"


class Tgi:
    """Safetensors on NVIDIA and AMD GPUs, and on Intel's CPUs."""

    name = TGI
    # The image's own 80 is a port that not every node lets an ordinary user open.
    port = FACTS.port
    endpoint = OPENAI
    metrics_path: str | None = "/metrics"
    command: tuple[str, ...] | None = None

    def image(self, placement: Placement) -> str:
        if not placement.gpus:
            return f"{IMAGE}-intel-cpu"
        return IMAGE if placement.compute_capability else f"{IMAGE}-rocm"

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]:
        """It has no flag for a served name: it answers whatever `model` a request asks for.

        Beyond four full batches it answers 429, for the reason that vLLM's queue has a bound. A dtype is left to it:
        beside weights that are quantised already, naming one is an error.
        """
        return (
            f"--model-id={serving.mount}",
            "--hostname=0.0.0.0",
            f"--port={FACTS.port}",
            f"--max-total-tokens={serving.context}",
            f"--max-input-tokens={serving.context - 1}",
            f"--max-concurrent-requests={4 * serving.parallel}",
            f"--max-batch-size={serving.parallel}",
            f"--num-shard={max(1, placement.gpus)}",
            # The default, written out because the fit check rests on it.
            "--cuda-memory-fraction=1.0",
            f"--graceful-termination-timeout={ANSWER:.0f}",
            "--usage-stats=off",
        )

    def health(self, serving: Serving) -> str:
        return "/health"

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]:
        """Every cache lies on the scratch volume: the image's own folders are read-only."""
        return {
            "HOME": SCRATCH_MOUNT,
            "HF_HOME": f"{SCRATCH_MOUNT}/huggingface",
            "HUGGINGFACE_HUB_CACHE": f"{SCRATCH_MOUNT}/huggingface",
            "OUTLINES_CACHE_DIR": f"{SCRATCH_MOUNT}/outlines",
            "TRITON_CACHE_DIR": f"{SCRATCH_MOUNT}/triton",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "DO_NOT_TRACK": "1",
        }

    def start(self, placement: Placement) -> Duration:
        """Imports, the warm-up run and CUDA graphs, as vLLM's: an estimate, not measured."""
        return Duration(120)

    def pre_stop(self) -> Mapping[str, object]:
        # On SIGTERM it takes no new request and finishes those it has, so only the endpoint's removal is waited for.
        return {"sleep": {"seconds": round(ENDPOINT_REMOVAL)}}

    def grace(self) -> Duration:
        return Duration(ENDPOINT_REMOVAL + ANSWER + EXIT)

    def shared_memory(self, placement: Placement) -> Bytes | None:
        """The shards talk through /dev/shm; 1 GiB is what its README gives them."""
        return Bytes.parse("1Gi")

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        """Pages of the mapped files are reclaimable; the router, the launcher and a process each shard: an estimate."""
        return Bytes(Bytes.parse("4Gi") + Bytes.parse("3Gi") * max(1, placement.gpus))
