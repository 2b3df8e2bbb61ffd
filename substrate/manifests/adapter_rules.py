"""What prometheus-adapter must know to answer a HorizontalPodAutoscaler of ours: a rule for each signal. Pure.

The rules name no model and no stack: which pods are meant, the scaler's selector says. Whoever runs the adapter gives
them to it once (`substrate adapter-rules`), and again after an upgrade of substrate that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from substrate import queries
from substrate.facts.bentoml import BENTOML
from substrate.facts.engines import ENGINES, Metric, Metrics
from substrate.facts.signals import Signal, offered

# Filled in by the adapter: the labels of the scaler's selector, and its namespace.
MATCHERS = queries.Pods(template="<<.LabelMatchers>>")


def external_rules() -> list[dict[str, Any]]:
    """All of them, in the form of the adapter's own configuration."""
    return [rule for engine in (*ENGINES, BENTOML) for rule in _of_engine(engine)]


def _of_engine(engine: str) -> Iterator[dict[str, Any]]:
    metrics = queries.metrics_of(engine)
    for signal in offered(metrics):
        if signal is not Signal.TOKENS_IN_FLIGHT:  # a scaler asks for the share of the KV cache in its place
            yield _rule(engine, signal, metrics)


def _rule(engine: str, signal: Signal, metrics: Metrics) -> dict[str, Any]:
    """`seriesQuery` finds out whether there are any such series; the query asks for what KEDA would be told to ask."""
    series, query = _asked(signal, metrics)
    label = queries.pod_label("engine")
    return {
        "seriesQuery": f'{{__name__="{series}",namespace!="",{label}="{engine}"}}',
        "resources": {"overrides": {"namespace": {"resource": "namespace"}}},
        "name": {"as": queries.adapted(engine, signal)},
        "metricsQuery": query,
    }


def _asked(signal: Signal, metrics: Metrics) -> tuple[str, str]:
    """The series that is there if the signal is, and the query. Raises LookupError for a signal that is not offered."""
    found: dict[Signal, tuple[Metric | None, str, str | None]] = {
        Signal.IN_FLIGHT: (metrics.running, "", queries.in_flight(metrics, MATCHERS)),
        Signal.WAITING: (metrics.waiting, "", queries.waiting(metrics, MATCHERS)),
        Signal.KV_CACHE: (metrics.kv_cache_usage, "", queries.kv_cache(metrics, MATCHERS)),
        Signal.TIME_TO_FIRST_TOKEN: (metrics.first_token, "_count", queries.first_token_or_none(metrics, MATCHERS)),
    }
    metric, suffix, query = found[signal]
    if metric is None or query is None:
        raise LookupError(f"{signal} is not offered")
    return f"{metric.name}{suffix}", query
