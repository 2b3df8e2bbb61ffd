"""Metrics of KEDA's operator. Imports the types. Read on 2026-11-30 of pkg/metricscollector/prommetrics.go (0677eff).

Their `namespace` is the ScaledObject's; where the monitor does not honour labels it is `exported_namespace`.
"""

from __future__ import annotations

from functools import partial

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

GAUGE, COUNTER = MetricKind.GAUGE, MetricKind.COUNTER
_PREFIX = "keda_"
_each = partial(each, prefix=_PREFIX)
_OBJECT = ("scaledObject", "exported_namespace")
_TRIGGER = (*_OBJECT, "metric", "scaler", "triggerIndex", "type")

_METRICS = (
    Exported(f"{_PREFIX}scaler_metrics_value", GAUGE, "the metric's", _TRIGGER, "what the HPA divides by its target"),
    Exported(f"{_PREFIX}scaler_active", GAUGE, "bool", _TRIGGER, "whether a trigger is past its activation threshold"),
    *_each(GAUGE, "seconds", "scaler_metrics_latency_seconds", *_TRIGGER),
    *_each(COUNTER, "errors", "scaler_detail_errors_total", *_TRIGGER),
    *_each(COUNTER, "errors", "scaled_object_errors_total", *_OBJECT),
    *_each(GAUGE, "bool", "scaled_object_paused", *_OBJECT),
    *_each(GAUGE, "seconds", "internal_scale_loop_latency_seconds", "exported_namespace", "type", "resource"),
)

REGISTRY = Registry(
    engine="keda",
    prefix="keda_(?:scaler|scaled_object|internal_scale_loop)_",
    since="2.16",
    read="2.21",
    source="pkg/metricscollector/prommetrics.go of kedacore/keda",
    metrics=_METRICS,
)
