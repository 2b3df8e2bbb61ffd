"""Metrics of Triton Inference Server. Imports the types.

Read of its docs/user_guide/metrics.md (dcc9123, 2.73.0) and found in libtritonserver 2.51.0; those of a CPU seen
running (runtimes.md 3.1). A model's own code may export more, so only Triton's own beginnings are judged.
"""

from __future__ import annotations

from substrate.facts.engines import TRITON, MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

COUNTER, GAUGE, HISTOGRAM, SUMMARY = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM, MetricKind.SUMMARY
_MODEL = ("model", "version")

_METRICS = (
    Exported(
        "nv_inference_pending_request_count",
        GAUGE,
        "requests",
        _MODEL,
        "requests that no instance has begun to compute",
    ),
    *each(COUNTER, "requests", "nv_inference_request_success", *_MODEL),
    *each(COUNTER, "requests", "nv_inference_request_failure", *_MODEL, "reason"),
    *each(COUNTER, "count", "nv_inference_count nv_inference_exec_count", *_MODEL),
    *each(
        COUNTER,
        "microseconds",
        "nv_inference_request_duration_us nv_inference_queue_duration_us nv_inference_compute_input_duration_us "
        "nv_inference_compute_infer_duration_us nv_inference_compute_output_duration_us",
        *_MODEL,
    ),
    *each(
        SUMMARY,
        "microseconds",
        "nv_inference_request_summary_us nv_inference_queue_summary_us nv_inference_compute_input_summary_us "
        "nv_inference_compute_infer_summary_us nv_inference_compute_output_summary_us",
        *_MODEL,
    ),
    *each(HISTOGRAM, "milliseconds", "nv_inference_first_response_histogram_ms", *_MODEL),
    *each(GAUGE, "ratio", "nv_gpu_utilization", "gpu_uuid"),
    *each(GAUGE, "bytes", "nv_gpu_memory_total_bytes nv_gpu_memory_used_bytes", "gpu_uuid"),
    *each(GAUGE, "watts", "nv_gpu_power_usage nv_gpu_power_limit", "gpu_uuid"),
    *each(COUNTER, "joules", "nv_energy_consumption", "gpu_uuid"),
    *each(GAUGE, "ratio", "nv_cpu_utilization"),
    *each(GAUGE, "bytes", "nv_cpu_memory_total_bytes nv_cpu_memory_used_bytes"),
    *each(GAUGE, "bytes", "nv_pinned_memory_pool_total_bytes nv_pinned_memory_pool_used_bytes"),
    *each(COUNTER, "count", "nv_cache_num_hits_per_model nv_cache_num_misses_per_model", *_MODEL),
    *each(COUNTER, "microseconds", "nv_cache_hit_duration_per_model nv_cache_miss_duration_per_model", *_MODEL),
    *each(SUMMARY, "microseconds", "nv_cache_hit_summary_per_model nv_cache_miss_summary_per_model", *_MODEL),
)

REGISTRY = Registry(
    engine=TRITON,
    # A cache of one's own reports as nv_cache_, and TensorRT-LLM as nv_trt_llm_.
    prefix="nv_(?:inference|gpu|cpu|energy|pinned)_",
    since="24.01",
    read="26.09",
    source="docs/user_guide/metrics.md of triton-inference-server",
    metrics=_METRICS,
)
