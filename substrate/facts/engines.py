"""What the rules and the plan must know of each engine: where it runs, what it reads, what it needs beyond the weights.

Imports values only. Read on 2026-11-23; the release that each row was read at stands in it (reference/runtimes.md 1.5,
2.1 and 7.2 carry the evidence).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from substrate.values import Bytes, ComputeCapability

VLLM = "vllm"
LLAMA_CPP = "llama.cpp"


@dataclass(frozen=True, slots=True)
class Engine:
    """One inference engine.

    `memory_share`: the part of a GPU's reported memory it may use.
    `gpu_overhead`, `cpu_overhead`: bytes beyond weights and KV cache, for each GPU or for the process on a CPU node.
    `reserves_slots`: whether the KV cache of every parallel request is reserved at the start (llama.cpp), or paged and
    handed out as tokens come, so that one request at full context is enough to start (vLLM).
    `context_step`: the engine rounds a context to this many tokens.
    `parallel`: requests at once of a replica, where the stack says nothing.
    `quantizations`: name -> least compute capability; empty where the file itself says how it is quantised.
    """

    name: str
    release: str
    port: int
    formats: tuple[str, ...]
    min_capability: ComputeCapability
    capability_reason: str
    memory_share: float
    gpu_overhead: Bytes
    cpu_overhead: Bytes
    reserves_slots: bool
    context_step: int
    parallel: int
    parallel_reason: str
    quantizations: Mapping[str, ComputeCapability] = field(default_factory=dict)


# get_min_capability of vLLM 0.33.0's quantization methods, raised to vLLM's own floor of 7.5 where they say less.
_VLLM_QUANTIZATIONS = {
    "none": ComputeCapability(7, 5),
    "awq": ComputeCapability(7, 5),
    "gptq": ComputeCapability(7, 5),
    "int8": ComputeCapability(7, 5),
    "fp8": ComputeCapability(7, 5),
    "modelopt": ComputeCapability(7, 5),
    "torchao": ComputeCapability(7, 5),
    "compressed-tensors": ComputeCapability(7, 5),
    "experts-int8": ComputeCapability(8, 0),
    "mxfp4": ComputeCapability(8, 0),
    "fp8-w8a8": ComputeCapability(8, 9),
    "w4a8-fp8": ComputeCapability(9, 0),
    "fp-quant": ComputeCapability(10, 0),
}

_ROWS = (
    Engine(
        name=VLLM,
        release="0.33.0",
        port=8000,
        formats=(".safetensors",),
        min_capability=ComputeCapability(7, 5),
        # The wheel holds machine code for sm_75, 80, 86, 89, 90, 100 and 120 and no PTX below compute_80 (cuobjdump).
        capability_reason="its released builds hold no kernels for older GPUs: `no kernel image is available`",
        # The default of --gpu-memory-utilization; vLLM does not start unless that share is free.
        memory_share=0.92,
        # CUDA context, activations of the profiling run and CUDA graphs: 1.5 to 3 GiB, an estimate (runtimes.md 7.2).
        gpu_overhead=Bytes(2 * 1024**3),
        # Three processes of 600 MB and a worker of 1.8 GB, seen running 0.32.0 on CPU (runtimes.md 1.4).
        cpu_overhead=Bytes(round(3.5 * 1024**3)),
        reserves_slots=False,
        context_step=16,
        parallel=16,
        parallel_reason="requests in flight at which a replica is scaled out; on a real trace 16 met its latency best "
        "(performance.md 3.3 to 3.5)",
        quantizations=_VLLM_QUANTIZATIONS,
    ),
    Engine(
        name=LLAMA_CPP,
        release="b11434",
        port=8080,
        formats=(".gguf",),
        # The CUDA 12 image carries PTX from compute_50, which the driver compiles at the first start.
        min_capability=ComputeCapability(5, 0),
        capability_reason="its CUDA 12 image holds no code for older GPUs",
        memory_share=1.0,
        # CUDA context and compute buffers beside a 7B at Q4 (runtimes.md 7.2, example 6).
        gpu_overhead=Bytes(640 * 1024**2),
        # Compute buffers and the server: 28 MB seen beside a 135M model, some 300 MB for a vocabulary of 152,000.
        cpu_overhead=Bytes(512 * 1024**2),
        reserves_slots=True,
        context_step=256,
        parallel=4,
        parallel_reason="every slot's KV cache is reserved at the start; four is llama-server's own choice",
    ),
)

ENGINES: dict[str, Engine] = {row.name: row for row in _ROWS}

# Formats that name what they hold in the file itself, as q4_k_m, iq3_xs, f16.
GGUF_QUANTIZATION = r"none|f32|f16|bf16|mxfp4|(iq|q|tq)[1-8]_[0-9a-z_]+"

# Left vLLM's core: they need plugins that its image lacks (runtimes.md 1.5).
VLLM_PLUGINS = {"gguf": "vllm-gguf-plugin", "bitsandbytes": "vllm-bnb-plugin"}
