"""What the plan, the probes and autoscaling must know of BentoML. Imports facts of engines, and values.

Seen with 1.4.40 in pods (tests/cluster/test_extra_bentoml.py) and in its source; docs/decisions/bentoml.md.
"""

from __future__ import annotations

from substrate.facts.engines import Metric, MetricKind, Metrics
from substrate.values import Bytes, Duration

BENTOML = "bentoml"
RELEASE = "1.4.40"
PORT = 3000
LIVE, READY, METRICS_PATH = "/livez", "/readyz", "/metrics"
# Where an image of `bentoml containerize` has its bento, and where our runner looks for a mounted one.
BENTO_MOUNT = "/home/bentoml/bento"
# The user and group `bentoml` of such an image: its home may be closed to all others.
IMAGE_USER = 1034
# Without `traffic: {timeout: ...}` in the decorator.
DEFAULT_TIMEOUT = Duration(60)
# 148 MB a service were seen, with numpy; a framework and a batch of requests need more.
SERVICE_MEMORY = Bytes(512 * 1024**2)
# Service, its runner of the same name, version, and the route: /readyz has a series of its own among the others.
_LABELS = ("service_name", "runner_name", "service_version", "endpoint")
REQUESTS = Metric("bentoml_service_request_total", MetricKind.COUNTER, "requests", _LABELS)
DURATION = Metric("bentoml_service_request_duration_seconds", MetricKind.HISTOGRAM, "seconds", _LABELS)
# Counts requests, not rows.
BATCH_SIZE = Metric("bentoml_service_adaptive_batch_size", MetricKind.HISTOGRAM, "requests", ("method_name",))
METRICS = Metrics(
    running=Metric("bentoml_service_request_in_progress", MetricKind.GAUGE, "requests", _LABELS),
    waiting=None,
    kv_cache_usage=None,
    generated=None,
    source="seen at 1.4.40 in tests/cluster/test_extra_bentoml.py; requests that wait for a batch are in progress too",
)
