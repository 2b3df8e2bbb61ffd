"""llama.cpp's llama-server: flags, start, drain. Facts: reference/runtimes.md 2.1, seen with the tree of b11434."""

from __future__ import annotations

from collections.abc import Mapping

from substrate.facts.engines import ENGINES, LLAMA_CPP
from substrate.plan.engines.base import ANSWER, ENDPOINT_REMOVAL, EXIT, OPENAI, SCRATCH_MOUNT, Placement, Serving
from substrate.values import Bytes, Duration

PORT = ENGINES[LLAMA_CPP].port
# After SIGTERM llama-server stops generating and the answers in flight never come (measured, runtimes.md 2.1). So the
# hook waits until no slot is busy, and no longer than an answer may take. curl is in the official image, wget in ours.
DRAIN = f"""\
sleep {ENDPOINT_REMOVAL:.0f}; t=0
while [ $t -lt {ANSWER:.0f} ]; do
  s=$(curl -s http://127.0.0.1:{PORT}/slots || wget -q -O - http://127.0.0.1:{PORT}/slots) || exit 0
  case "$s" in *'"is_processing":true'*) sleep 1; t=$((t+1));; *) exit 0;; esac
done"""


class LlamaCpp:
    """GGUF on any GPU back to Pascal, and on plain CPUs."""

    name = LLAMA_CPP
    port = PORT
    endpoint = OPENAI
    metrics_path: str | None = "/metrics"
    command: tuple[str, ...] | None = None

    def image(self, placement: Placement) -> str:
        variant = "server-cuda" if placement.gpus else "server"
        return f"ghcr.io/ggml-org/llama.cpp:{variant}-b11434"

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]:
        """`--ctx-size` is the total over all slots, so that each of `parallel` requests has its whole context.

        llama-server takes a flag and its value as two arguments, never as `--flag=value`.
        """
        return (
            *("--model", model_file(serving)),
            *("--alias", serving.served_name),
            *("--host", "0.0.0.0"),
            *("--port", str(PORT)),
            *(part for option, value in sizes(serving, placement).items() for part in (f"--{option}", value)),
            "--metrics",
            "--slots",
            "--no-webui",
            "--offline",
        )

    def health(self, serving: Serving) -> str:
        return "/health"

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]:
        # The CUDA 12 image carries PTX for Pascal, which the driver compiles at the first start into its cache.
        return {"HOME": SCRATCH_MOUNT, "CUDA_CACHE_PATH": f"{SCRATCH_MOUNT}/cuda"}

    def start(self, placement: Placement) -> Duration:
        """On CPU 1.75 s were seen (toolchain.md); on a GPU the driver may compile kernels first (not measured here)."""
        return Duration(60) if placement.gpus else Duration(5)

    def pre_stop(self) -> Mapping[str, object]:
        return {"exec": {"command": ["/bin/sh", "-c", DRAIN]}}

    def grace(self) -> Duration:
        return Duration(ENDPOINT_REMOVAL + ANSWER + EXIT)

    def shared_memory(self, placement: Placement) -> Bytes | None:
        return None

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        """Pages of the mapped file are reclaimable and need no room; 2 GiB hold the server and its prompt cache."""
        return Bytes.parse("2Gi")


def model_file(serving: Serving) -> str:
    return f"{serving.mount}/{first_gguf(serving.files)}"


def sizes(serving: Serving, placement: Placement) -> Mapping[str, str]:
    """What one model takes of the machine, by option: the same for a server of its own and in a router's preset."""
    return {
        "ctx-size": str(serving.context * serving.parallel),
        "parallel": str(serving.parallel),
        "n-gpu-layers": "999" if placement.gpus else "0",
        "threads": str(placement.threads),
        "cache-ram": str(prompt_cache_mebibytes(placement)),
    }


def prompt_cache_mebibytes(placement: Placement) -> int:
    """Room for old prompts in main memory, where llama-server's default of 8 GiB would burst the pod's limit.

    Beside a GPU, half of what `host_memory` asks for; on a CPU pool the fit counts every byte, and none is left.
    """
    return 1024 if placement.gpus else 0


def first_gguf(files: tuple[str, ...]) -> str:
    """The file to name: the only GGUF, or the first part of a split set (llama.cpp finds the others beside it)."""
    return min(file for file in files if file.endswith(".gguf"))
