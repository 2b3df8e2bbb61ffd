"""Metrics of vLLM production-stack's router. Imports the types.

Read of src/vllm_router/services/metrics_service (production-stack, 0c740a2). They begin as the engine's own do, and are
there when no engine is.
"""

from __future__ import annotations

from functools import partial

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Exported, each

COUNTER, GAUGE, HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_each = partial(each, prefix="vllm:")

METRICS: tuple[Exported, ...] = (
    Exported("vllm:num_incoming_requests_total", COUNTER, "requests", ("model",), "asked for, with no engine too"),
    *_each(COUNTER, "count", "routing_decisions_total", "algorithm", "decision", "reason"),
    *_each(COUNTER, "tokens", "input_tokens_total output_tokens_total", "server", "model"),
    *_each(COUNTER, "requests", "request_errors_total", "server", "model", "error_type"),
    *_each(HISTOGRAM, "seconds", "request_latency_seconds", "server", "model", "status"),
    *_each(GAUGE, "requests a second", "current_qps", "server"),
    *_each(GAUGE, "requests", "num_prefill_requests num_decoding_requests num_requests_swapped", "server"),
    *_each(GAUGE, "tokens", "avg_decoding_length", "server"),
    *_each(GAUGE, "seconds", "avg_latency avg_itl", "server"),
    *_each(GAUGE, "pods", "healthy_pods_total", "server"),
    *_each(GAUGE, "ratio", "gpu_prefix_cache_hit_rate", "server"),
    *_each(GAUGE, "tokens", "gpu_prefix_cache_hits_total gpu_prefix_cache_queries_total", "server"),
)
