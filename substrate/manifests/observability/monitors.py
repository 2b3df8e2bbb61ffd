"""What Prometheus reads: PodMonitors. Pure; imports the plan's types and this package.

A pod says itself where its engine's metrics are, by the same three annotations on every foundation; the monitor follows
them, since ports are called otherwise before a logger and have no name at all in Knative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from substrate.manifests import labels
from substrate.manifests.observability.records import MONITOR
from substrate.plan.scaling import MonitoringPlan
from substrate.plan.types import FrontDoorPlan, NamespacePlan

# An HPA decides every 15 s: between two decisions the number it reads is another one.
INTERVAL = "15s"
# The pod's labels that its series have, and by which they are told apart (substrate.queries).
TARGET_LABELS = ("model", "team", "tier", "engine", "foundation", "server", "workload")
_ANNOTATION = "__meta_kubernetes_pod_annotation_prometheus_io_"


def of_team(namespace: NamespacePlan, monitoring: MonitoringPlan, logs: bool) -> list[dict[str, Any]]:
    """The engines of a team, and what logs before them where a model is logged."""
    told = labels.of_team(namespace.team)
    made = [_monitor(MONITOR, namespace.name, told, monitoring, _models(), engine_endpoint())]
    if logs:
        endpoint = {"port": "log-metrics", "path": "/metrics", "interval": INTERVAL}
        made.append(_monitor("substrate-payload-loggers", namespace.name, told, monitoring, _models(), endpoint))
    return made


def of_front_door(door: FrontDoorPlan, monitoring: MonitoringPlan) -> dict[str, Any]:
    endpoint = {"port": "metrics", "path": "/metrics", "interval": INTERVAL}
    selected = {"matchLabels": labels.front_door_selector()}
    return _monitor("substrate-front-door", door.namespace, labels.of_front_door(), monitoring, selected, endpoint)


def engine_endpoint() -> dict[str, Any]:
    """Of all ports that a pod's containers declare, the one that its annotation names (from Prometheus 2.41 on)."""
    return {
        "interval": INTERVAL,
        "relabelings": [
            {"action": "keep", "sourceLabels": [f"{_ANNOTATION}scrape"], "regex": "true"},
            {
                "action": "keepequal",
                "sourceLabels": [f"{_ANNOTATION}port"],
                "targetLabel": "__meta_kubernetes_pod_container_port_number",
            },
            {
                "action": "replace",
                "sourceLabels": [f"{_ANNOTATION}path"],
                "regex": "(.+)",
                "targetLabel": "__metrics_path__",
            },
        ],
    }


def _models() -> dict[str, Any]:
    return {"matchExpressions": [labels.serves_models()]}


def _monitor(
    name: str,
    namespace: str,
    told: Mapping[str, str],
    monitoring: MonitoringPlan,
    selected: Mapping[str, Any],
    endpoint: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": name, "namespace": namespace, "labels": {**told, **monitoring.labels}},
        "spec": {
            "selector": dict(selected),
            "podTargetLabels": [f"{labels.DOMAIN}/{label}" for label in TARGET_LABELS],
            "podMetricsEndpoints": [dict(endpoint)],
        },
    }
