"""Metrics of text-generation-inference. Imports the types. Read of its docs/source/reference/metrics.md (53fdbe6)."""

from __future__ import annotations

from substrate.facts.engines import TGI, MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

COUNTER, GAUGE, HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM

_METRICS = (
    Exported("tgi_batch_current_size", GAUGE, "requests", meaning="requests in the batch that is being computed"),
    Exported("tgi_queue_size", GAUGE, "requests", meaning="requests that are queued"),
    Exported("tgi_batch_current_max_tokens", GAUGE, "tokens", meaning="tokens that the batch may grow to"),
    *each(COUNTER, "requests", "tgi_request_count tgi_request_success"),
    *each(COUNTER, "requests", "tgi_request_failure", "err"),
    *each(COUNTER, "count", "tgi_batch_inference_count tgi_batch_inference_success", "method"),
    *each(COUNTER, "count", "tgi_batch_concat", "reason"),
    *each(
        HISTOGRAM,
        "seconds",
        "tgi_request_duration tgi_request_inference_duration tgi_request_mean_time_per_token_duration "
        "tgi_request_queue_duration tgi_request_validation_duration tgi_batch_concat_duration",
    ),
    *each(
        HISTOGRAM,
        "seconds",
        "tgi_batch_decode_duration tgi_batch_filter_duration tgi_batch_forward_duration tgi_batch_inference_duration",
        "method",
    ),
    *each(
        HISTOGRAM,
        "tokens",
        "tgi_request_generated_tokens tgi_request_input_length tgi_request_max_new_tokens tgi_request_skipped_tokens",
    ),
    *each(HISTOGRAM, "requests", "tgi_batch_next_size"),
)

REGISTRY = Registry(
    engine=TGI,
    prefix="tgi_(?:batch|queue|request)_",
    since="3.3.7",
    read="3.3.7",
    source="docs/source/reference/metrics.md of text-generation-inference",
    metrics=_METRICS,
)
