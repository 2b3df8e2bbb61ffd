"""NVIDIA's NIM for LLMs: vLLM under NVIDIA's launcher, told by variables. Facts: runtimes.md 3.2, read and not run."""

from __future__ import annotations

from collections.abc import Mapping

from substrate.facts.engines import ENGINES, NIM
from substrate.plan.engines.base import OPENAI, SCRATCH_MOUNT, Placement, Serving
from substrate.plan.engines.vllm import Vllm
from substrate.values import Bytes, Duration

FACTS = ENGINES[NIM]
KEY = "NGC_API_KEY"


class Nim:
    """Safetensors from compute capability 7.5, in the image that NVIDIA makes for the model. Drains as vLLM does."""

    name = NIM
    port = FACTS.port
    endpoint = OPENAI
    metrics_path: str | None = "/v1/metrics"
    command: tuple[str, ...] | None = None

    def image(self, placement: Placement) -> str:
        """Raises LookupError: the image is its model's, and its block names it."""
        raise LookupError("a NIM's image is named by its model")

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]:
        return ()

    def health(self, serving: Serving) -> str:
        return "/v1/health/ready"

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]:
        """Weights from where they were staged; what it writes goes to the scratch volume; nothing is fetched."""
        return {
            "HOME": SCRATCH_MOUNT,
            "NIM_CACHE_PATH": f"{SCRATCH_MOUNT}/nim",
            "NIM_MODEL_PATH": serving.mount,
            "NIM_DISABLE_MODEL_DOWNLOAD": "1",
            "NIM_SERVER_PORT": str(FACTS.port),
            "NIM_SERVED_MODEL_NAME": serving.served_name,
            "NIM_MAX_MODEL_LEN": str(serving.context),
            "NIM_TENSOR_PARALLEL_SIZE": str(max(1, placement.gpus)),
            "NIM_PASSTHROUGH_ARGS": f"--max-num-seqs={serving.parallel}",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
        }

    def start(self, placement: Placement) -> Duration:
        """vLLM's, and its launcher's choice of a profile before it: an estimate."""
        return Duration(Vllm().start(placement) + 60)

    def pre_stop(self) -> Mapping[str, object]:
        return Vllm().pre_stop()

    def grace(self) -> Duration:
        return Vllm().grace()

    def shared_memory(self, placement: Placement) -> Bytes | None:
        return Vllm().shared_memory(placement)

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        return Vllm().host_memory(weights, placement)
