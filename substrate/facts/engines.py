"""What the rules and the plan must know of each engine: where it runs, what it reads, what it needs beyond the weights.

Imports values only. Read on 2026-11-23; the release that each row was read at stands in it (reference/runtimes.md 1.5,
2 and 7.2 carry the evidence; TGI's documents and source, and Ollama 0.17.4's, were read again on 2026-11-24).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from substrate.values import Bytes, ComputeCapability

VLLM = "vllm"
LLAMA_CPP = "llama.cpp"
TGI = "tgi"
OLLAMA = "ollama"
TRITON = "triton"
NIM = "nim"

# Where the weights' volume is mounted, read-only.
MODELS_MOUNT = "/models"
# Where KServe mounts the claim of a `pvc://` URI, whatever the runtime says.
KSERVE_MOUNT = "/mnt/models"


class MetricKind(StrEnum):
    """Prometheus' kinds. A histogram of tokens counts them in its `_sum`."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is scraped: its whole name, and the labels that the engine itself puts on it."""

    name: str
    kind: MetricKind
    unit: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metrics:
    """What autoscaling reads of an engine; None where it exports no such thing. `source` says where the names stand.

    `running`, `waiting`: requests being computed, and requests not begun yet. `kv_cache_usage`: 0 to 1.
    `generated`: tokens of answers since the start. `first_token`: seconds from a request to its first token.
    """

    running: Metric | None
    waiting: Metric | None
    kv_cache_usage: Metric | None
    generated: Metric | None
    source: str
    first_token: Metric | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """One inference engine.

    `memory_share`: the part of a GPU's reported memory it may use.
    `gpu_overhead`, `cpu_overhead`: bytes beyond weights and KV cache, for each GPU or for the process on a CPU node.
    `reserves_slots`: whether the KV cache of every parallel request is reserved at the start (llama.cpp), or paged and
    handed out as tokens come, so that one request at full context is enough to start (vLLM).
    `context_step`: the engine rounds a context to this many tokens.
    `parallel`: requests at once of a replica, where the stack says nothing.
    `spreads_heads`: whether more GPUs than KV heads will do, some heads then being kept twice.
    `grpc_port`, `metrics_port`: where it has one beside `port`.
    `has_kv_cache`: whether it holds keys and values of tokens; without them only the weights are to fit.
    `quantizations`: name -> least compute capability; empty where the file itself says how it is quantised.
    `adapter_ranks`: the ranks of LoRA adapters that it has kernels for, ascending; empty where it serves none.
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
    metrics: Metrics
    spreads_heads: bool = False
    grpc_port: int | None = None
    metrics_port: int | None = None
    has_kv_cache: bool = True
    quantizations: Mapping[str, ComputeCapability] = field(default_factory=dict)
    adapter_ranks: tuple[int, ...] = ()


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

# layers/fp8.py: Marlin's kernels from 8.0, native ones from 8.9; the others as launcher.md and their kernels say.
_TGI_QUANTIZATIONS = {
    "none": ComputeCapability(7, 5),
    "awq": ComputeCapability(7, 5),
    "gptq": ComputeCapability(7, 5),
    "eetq": ComputeCapability(7, 5),
    "exl2": ComputeCapability(7, 5),
    "bitsandbytes": ComputeCapability(7, 5),
    "bitsandbytes-nf4": ComputeCapability(7, 5),
    "bitsandbytes-fp4": ComputeCapability(7, 5),
    "marlin": ComputeCapability(8, 0),
    "fp8": ComputeCapability(8, 0),
    "compressed-tensors": ComputeCapability(8, 0),
}

_OF_VLLM = ("model_name", "engine")
_VLLM_METRICS = Metrics(
    running=Metric("vllm:num_requests_running", MetricKind.GAUGE, "requests", _OF_VLLM),
    waiting=Metric("vllm:num_requests_waiting", MetricKind.GAUGE, "requests", _OF_VLLM),
    kv_cache_usage=Metric("vllm:kv_cache_usage_perc", MetricKind.GAUGE, "ratio", _OF_VLLM),
    generated=Metric("vllm:generation_tokens_total", MetricKind.COUNTER, "tokens", _OF_VLLM),
    source="seen at 0.32.0, read at 0.33.0 (runtimes.md 1.1)",
    first_token=Metric("vllm:time_to_first_token_seconds", MetricKind.HISTOGRAM, "seconds", _OF_VLLM),
)
_LLAMA_CPP_METRICS = Metrics(
    running=Metric("llamacpp:requests_processing", MetricKind.GAUGE, "requests"),
    waiting=Metric("llamacpp:requests_deferred", MetricKind.GAUGE, "requests"),
    kv_cache_usage=None,
    generated=Metric("llamacpp:tokens_predicted_total", MetricKind.COUNTER, "tokens"),
    source="seen at b11434 (runtimes.md 2.1) and in tests/engine/test_llama_parser.py; no labels, no KV cache use",
)
_TGI_METRICS = Metrics(
    running=Metric("tgi_batch_current_size", MetricKind.GAUGE, "requests"),
    waiting=Metric("tgi_queue_size", MetricKind.GAUGE, "requests"),
    kv_cache_usage=None,
    generated=Metric("tgi_request_generated_tokens", MetricKind.HISTOGRAM, "tokens"),
    source="docs/source/reference/metrics.md of text-generation-inference",
)
_OLLAMA_METRICS = Metrics(
    running=None,
    waiting=None,
    kv_cache_usage=None,
    generated=None,
    source="none: no Prometheus endpoint in the source of 0.17.4 (runtimes.md 2.3)",
)
_TRITON_METRICS = Metrics(
    running=None,
    waiting=Metric("nv_inference_pending_request_count", MetricKind.GAUGE, "requests", ("model", "version")),
    kv_cache_usage=None,
    generated=None,
    source="seen at 2.51 in tests/cluster/test_extra_triton.py, read at 2.73 (runtimes.md 3.1)",
)

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
        metrics=_VLLM_METRICS,
        spreads_heads=True,
        quantizations=_VLLM_QUANTIZATIONS,
        adapter_ranks=(1, 8, 16, 32, 64, 128, 256, 320, 512),
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
        metrics=_LLAMA_CPP_METRICS,
    ),
    Engine(
        name=TGI,
        # The last line of releases, and the first with CVE-2026-0599 fixed (security.md 2.8).
        release="3.3.7",
        port=8080,
        formats=(".safetensors",),
        min_capability=ComputeCapability(7, 5),
        capability_reason="its documents name H100, A100, A10G and T4; its flash attention refuses GPUs before Turing",
        # --cuda-memory-fraction 1.0, of which the server itself leaves a tenth alone (TGI_WIGGLE_ROOM 0.90).
        memory_share=0.9,
        # As vLLM's: CUDA context, activations of the warm-up and CUDA graphs. An estimate, not measured.
        gpu_overhead=Bytes(2 * 1024**3),
        # A Rust router, a launcher and a Python process with PyTorch: an estimate, not measured.
        cpu_overhead=Bytes(4 * 1024**3),
        reserves_slots=False,
        # flashdecoding's pages, the largest of its three kinds of attention.
        context_step=256,
        parallel=16,
        parallel_reason="as vLLM's: paged and batched in the same way",
        metrics=_TGI_METRICS,
        quantizations=_TGI_QUANTIZATIONS,
    ),
    Engine(
        name=OLLAMA,
        release="0.17.4",
        port=11434,
        formats=(".gguf",),
        min_capability=ComputeCapability(5, 0),
        capability_reason="its documents begin at 5.0, with driver 570 or newer below 7.5",
        memory_share=1.0,
        # llama.cpp's, which does the work inside.
        gpu_overhead=Bytes(640 * 1024**2),
        # llama.cpp's, and the Go server beside it.
        cpu_overhead=Bytes(768 * 1024**2),
        reserves_slots=True,
        context_step=256,
        parallel=4,
        parallel_reason="as llama.cpp's, whose slots it reserves; its own default is one request at a time",
        metrics=_OLLAMA_METRICS,
    ),
    Engine(
        name=TRITON,
        release="26.07",
        port=8000,
        grpc_port=8001,
        metrics_port=8002,
        formats=(".onnx", ".plan", ".py", ".json"),
        min_capability=ComputeCapability(7, 5),
        capability_reason="its images carry CUDA 13, which begins with Turing",
        memory_share=1.0,
        # CUDA context and the server's own pool of 64 MiB; what a backend computes in is the model's, and not known.
        gpu_overhead=Bytes(640 * 1024**2),
        # The server, and a Python process with NumPy or ONNX Runtime for a python model: an estimate.
        cpu_overhead=Bytes(512 * 1024**2),
        reserves_slots=False,
        context_step=1,
        parallel=16,
        parallel_reason="requests in flight at which a replica is scaled out; its block says what runs at once",
        metrics=_TRITON_METRICS,
        has_kv_cache=False,
    ),
)

# "An enterprise orchestration layer for vLLM" (NVIDIA's architecture page of 2.x): its needs and names are vLLM's.
_NIM = replace(
    _ROWS[0], name=NIM, release="2.0", adapter_ranks=(), capability_reason="its LLM images serve with vLLM's builds"
)

ENGINES: dict[str, Engine] = {row.name: row for row in (*_ROWS, _NIM)}

# Formats that name what they hold in the file itself, as q4_k_m, iq3_xs, f16.
GGUF_QUANTIZATION = r"none|f32|f16|bf16|mxfp4|(iq|q|tq)[1-8]_[0-9a-z_]+"

# Left vLLM's core: they need plugins that its image lacks (runtimes.md 1.5).
VLLM_PLUGINS = {"gguf": "vllm-gguf-plugin", "bitsandbytes": "vllm-bnb-plugin"}
