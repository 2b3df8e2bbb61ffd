"""vLLM: flags, start, drain. Facts: reference/runtimes.md 1, read from 0.33.0 and seen running 0.32.0 on CPU."""

from __future__ import annotations

from collections.abc import Mapping

from substrate.facts.engines import ENGINES, VLLM
from substrate.plan.engines.base import ANSWER, ENDPOINT_REMOVAL, EXIT, OPENAI, SCRATCH_MOUNT, Placement, Serving
from substrate.values import Bytes, Duration

FACTS = ENGINES[VLLM]


class Vllm:
    """Safetensors on NVIDIA GPUs from compute capability 7.5."""

    name = VLLM
    port = FACTS.port
    endpoint = OPENAI
    metrics_path: str | None = "/metrics"
    command: tuple[str, ...] | None = None

    def image(self, placement: Placement) -> str:
        return "vllm/vllm-openai:v0.32.0" if placement.gpus else "vllm/vllm-openai-cpu:v0.32.0"

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]:
        """The image's entry point is `vllm serve`, so the model's path comes first.

        A queue without a bound turns overload into latency without a bound: beyond four full batches it answers 503.
        """
        return (
            serving.mount,
            f"--served-model-name={serving.served_name}",
            "--host=0.0.0.0",
            f"--port={FACTS.port}",
            f"--max-model-len={serving.context}",
            f"--max-num-seqs={serving.parallel}",
            f"--max-num-queued-reqs={4 * serving.parallel}",
            f"--tensor-parallel-size={max(1, placement.gpus)}",
            # The default, written out because the fit check rests on it.
            f"--gpu-memory-utilization={FACTS.memory_share}",
            f"--dtype={'auto' if placement.bf16 or not placement.gpus else 'half'}",
            f"--shutdown-timeout={ANSWER:.0f}",
        )

    def health(self, serving: Serving) -> str:
        return "/health"

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]:
        return {
            "HOME": SCRATCH_MOUNT,
            "VLLM_CACHE_ROOT": f"{SCRATCH_MOUNT}/vllm",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
            **({} if placement.gpus else on_cpu(serving, placement)),
        }

    def start(self, placement: Placement) -> Duration:
        """Imports, compilation, CUDA graphs: 64 s seen on two CPU cores; two minutes leave room for a larger model."""
        return Duration(120)

    def pre_stop(self) -> Mapping[str, object]:
        # During its own drain vLLM answers new requests with 500, so the endpoint goes first (runtimes.md 1.4).
        return {"sleep": {"seconds": round(ENDPOINT_REMOVAL + 10)}}

    def grace(self) -> Duration:
        return Duration(ENDPOINT_REMOVAL + 10 + ANSWER + EXIT)

    def shared_memory(self, placement: Placement) -> Bytes | None:
        """Worker processes talk through /dev/shm; 2 GiB is what vLLM's own Kubernetes example mounts."""
        return Bytes.parse("2Gi")

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        """Prefetch reads the whole checkpoint into the page cache; each of the worker processes takes about 2 GiB."""
        return Bytes(weights + Bytes.parse("6Gi") + Bytes.parse("2Gi") * max(1, placement.gpus))


def on_cpu(serving: Serving, placement: Placement) -> Mapping[str, str]:
    """What the CPU build needs beside: without the cache's size it takes a share of the whole node's memory.

    Its one worker talks to the engine by gloo, which would look for another interface than the loopback.
    """
    gibibytes = max(1, -(-(serving.kv_cache or 0) // 1024**3))
    return {
        "VLLM_CPU_KVCACHE_SPACE": str(gibibytes),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(placement.threads),
        "VLLM_HOST_IP": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": "lo",
    }
