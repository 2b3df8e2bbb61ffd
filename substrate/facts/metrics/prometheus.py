"""Series that Prometheus makes of its own accord, and the kubelet's of volumes. Imports the types.

Prometheus' read of docs/concepts/jobs_instances.md and its alerting rules' page on 2026-11-30; the kubelet's of
pkg/kubelet/metrics/collectors/volume_stats.go of Kubernetes 1.36.
"""

from __future__ import annotations

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

GAUGE = MetricKind.GAUGE
_OF_ALERT = ("alertname", "alertstate", "severity", "stack", "team", "server", "model")

REGISTRY = Registry(
    engine="prometheus",
    prefix="(?:up|ALERTS|scrape_)",
    since="2.42",
    read="3.7",
    source="docs/concepts/jobs_instances.md of prometheus/prometheus",
    metrics=(
        Exported("up", GAUGE, "bool", meaning="whether the last scrape of a target succeeded"),
        # The labels of our alerts: `stack` and `severity` are on each, the others on those of a server or pod.
        Exported("ALERTS", GAUGE, "bool", _OF_ALERT, "1 while an alert pends or fires"),
        *each(GAUGE, "seconds", "scrape_duration_seconds"),
        *each(GAUGE, "samples", "scrape_samples_scraped"),
    ),
)

KUBELET = Registry(
    engine="kubelet",
    prefix="kubelet_volume_stats_",
    since="1.27",
    read="1.36",
    source="pkg/kubelet/metrics/collectors/volume_stats.go of kubernetes/kubernetes",
    metrics=tuple(
        each(
            GAUGE,
            "bytes",
            "kubelet_volume_stats_used_bytes kubelet_volume_stats_capacity_bytes kubelet_volume_stats_available_bytes",
            "persistentvolumeclaim",
        )
    ),
)
