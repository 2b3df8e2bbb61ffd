"""Metrics of a bento. Imports the types. Read of the package bentoml 1.4.40: its instruments for HTTP, and its batcher.

A service may set another namespace than `bentoml_service`, and then exports nothing under this one.
"""

from __future__ import annotations

from functools import partial

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

COUNTER, GAUGE, HISTOGRAM, SUMMARY = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM, MetricKind.SUMMARY
_PREFIX = "bentoml_service_"
_each = partial(each, prefix=_PREFIX)

_METRICS = (
    Exported(f"{_PREFIX}request_in_progress", GAUGE, "requests", ("endpoint",), "requests that are being answered"),
    *_each(COUNTER, "requests", "request_total", "endpoint", "http_response_code"),
    *_each(HISTOGRAM, "seconds", "request_duration_seconds", "endpoint", "http_response_code"),
    # One a process: its client says which.
    *_each(GAUGE, "seconds", "last_request_timestamp_seconds", "pid"),
    *_each(HISTOGRAM, "requests", "adaptive_batch_size", "worker_index", "method_name"),
    *_each(GAUGE, "connections", "websocket_connections", "endpoint"),
    *_each(SUMMARY, "bytes", "websocket_data_received websocket_data_sent", "endpoint"),
)

REGISTRY = Registry(
    engine="bentoml",
    prefix=_PREFIX,
    since="1.4.40",
    read="1.4.40",
    source="the package bentoml 1.4.40",
    metrics=_METRICS,
    labels=("service_name", "runner_name", "service_version"),
)
