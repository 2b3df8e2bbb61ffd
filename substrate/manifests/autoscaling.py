"""What moves a server's replicas: KEDA's ScaledObject, or a HorizontalPodAutoscaler. Pure; imports the plan's types.

Sources: KEDA 2.21.0's definitions and scalers, docs/decisions/scaling.md.
"""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels, serving, waking
from substrate.plan.reach import workload_of
from substrate.plan.scaling import KNATIVE, PROMETHEUS_ADAPTER, ScalingPlan, SignalPlan
from substrate.plan.types import ServerPlan

# How often KEDA asks by itself; between, the HorizontalPodAutoscaler asks through it every 15 seconds too.
POLLING_SECONDS = 15
# So many answers in a row that are none, 45 seconds, before the replicas are held where they are.
FAILURES = 3
AUTOSCALING = "autoscaling.knative.dev"


def objects(server: ServerPlan) -> list[dict[str, Any]]:
    """What scales the server, in the order in which it is made; nothing where nothing of ours does."""
    plan = server.scaling
    if plan is None or plan.through == KNATIVE:
        return []
    if plan.through == PROMETHEUS_ADAPTER:
        return [horizontal_pod_autoscaler(server, plan)]
    return [*(waking.objects(server, plan.wake) if plan.wake else []), scaled_object(server, plan)]


def metadata(server: ServerPlan) -> dict[str, Any]:
    floor = {f"{labels.DOMAIN}/min-replicas": str(server.min_replicas)}
    exempt = labels.exemptions(server.exemptions)
    return {
        "name": serving.name(server),
        "namespace": server.namespace,
        "labels": labels.of_server(server),
        "annotations": {**floor, **exempt},
    }


def target(server: ServerPlan) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload_of(server)}


def scaled_object(server: ServerPlan, plan: ScalingPlan) -> dict[str, Any]:
    """KEDA makes a HorizontalPodAutoscaler of it, and goes to zero and back by itself."""
    woken = [waking.trigger(server, plan.wake)] if plan.wake else []
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(server),
        "spec": {
            "scaleTargetRef": target(server),
            "pollingInterval": POLLING_SECONDS,
            "cooldownPeriod": round(plan.behaviour.idle or plan.behaviour.down_window),
            "minReplicaCount": plan.min,
            "maxReplicaCount": plan.max,
            **({} if plan.wake else {"fallback": fallback(plan)}),
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behaviour(plan)}},
            "triggers": [*woken, *(trigger(plan, signal) for signal in plan.signals)],
        },
    }


def fallback(plan: ScalingPlan) -> dict[str, Any]:
    """While Prometheus is away nothing is known of the load, so replicas stay; `replicas` is there to be valid only.

    Not of a model that may be at zero: KEDA takes a fallback for activity and would wake it, and all others with it.
    """
    return {"failureThreshold": FAILURES, "replicas": max(1, plan.min), "behavior": "currentReplicas"}


def behaviour(plan: ScalingPlan) -> dict[str, Any]:
    """Up at once, and by as many as are there: each takes a cold start. Down when it was not needed for a while."""
    speed = plan.behaviour
    period = round(speed.up_period)
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": speed.up_pods, "periodSeconds": period},
                {"type": "Percent", "value": speed.up_percent, "periodSeconds": period},
            ],
        },
        "scaleDown": {"stabilizationWindowSeconds": round(speed.down_window)},
    }


def trigger(plan: ScalingPlan, signal: SignalPlan) -> dict[str, Any]:
    """No series means that Prometheus does not read the pods; taken for no load, it would end replicas under load.

    Of a model that may be at zero it means just that, and what wakes it knows better.
    """
    return {
        "type": "prometheus",
        "name": signal.name,
        "metricType": "AverageValue" if signal.average else "Value",
        "metadata": {
            "serverAddress": plan.prometheus,
            "query": signal.query,
            "threshold": number(signal.target),
            "ignoreNullValues": "true" if plan.wake else "false",
        },
    }


def number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"


def horizontal_pod_autoscaler(server: ServerPlan, plan: ScalingPlan) -> dict[str, Any]:
    """Asks prometheus-adapter, by the names of `adapter_rules`; without an answer it leaves the replicas alone."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(server),
        "spec": {
            "scaleTargetRef": target(server),
            "minReplicas": plan.min,
            "maxReplicas": plan.max,
            "metrics": [external(plan, signal) for signal in plan.signals],
            "behavior": behaviour(plan),
        },
    }


def external(plan: ScalingPlan, signal: SignalPlan) -> dict[str, Any]:
    """An external metric: the adapter adds the namespace, the labels tell the server's series from others' there."""
    quantity = _quantity(signal.adapted)
    average = {"type": "AverageValue", "averageValue": quantity}
    wanted = average if signal.average else {"type": "Value", "value": quantity}
    metric = {"name": signal.metric, "selector": {"matchLabels": dict(plan.series)}}
    return {"type": "External", "external": {"metric": metric, "target": wanted}}


def _quantity(value: float) -> str:
    """As the API server writes it, so that nothing seems changed."""
    return str(int(value)) if value == int(value) else f"{round(value * 1000)}m"


def knative_annotations(server: ServerPlan) -> dict[str, str]:
    """On a revision's pods: what Knative's own autoscaler counts, and how fast it goes down.

    Its target is for all of what a pod holds, so none of it is taken off again.
    """
    plan = server.scaling
    if plan is None or plan.through != KNATIVE:
        return {}
    (signal,) = plan.signals
    idle = plan.behaviour.idle
    rests = {f"{AUTOSCALING}/scale-to-zero-pod-retention-period": f"{idle:.0f}s"} if idle else {}
    return {
        f"{AUTOSCALING}/metric": "concurrency",
        f"{AUTOSCALING}/target": number(signal.target),
        f"{AUTOSCALING}/target-utilization-percentage": "100",
        f"{AUTOSCALING}/scale-down-delay": f"{plan.behaviour.down_window:.0f}s",
        **rests,
    }
