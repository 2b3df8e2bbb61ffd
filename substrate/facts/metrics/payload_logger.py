"""Metrics of the container that logs payloads. Imports the types. They are made in cluster/toolchain/payload-logger."""

from __future__ import annotations

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Registry, each

GAUGE, COUNTER = MetricKind.GAUGE, MetricKind.COUNTER

REGISTRY = Registry(
    engine="payload-logger",
    prefix="payload_logger_",
    since="1",
    read="1",
    source="cluster/toolchain/payload-logger/memory.go",
    metrics=(
        *each(COUNTER, "events", "payload_logger_events_sent_total payload_logger_payloads_withheld_total", "kind"),
        *each(COUNTER, "events", "payload_logger_events_dropped_total", "kind", "reason"),
        *each(GAUGE, "bytes", "payload_logger_held_bytes"),
    ),
)
