"""Metrics of kube-state-metrics: what the API server knows of objects. Imports the types.

Read on 2026-11-30 of docs/metrics/workload of its repository (04ee634): stable ones and, of pods, `ready_time`, which
is experimental there. Their `namespace` and `pod` are the object's: its monitor honours labels, as its chart has it.
"""

from __future__ import annotations

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Registry, each

GAUGE, COUNTER = MetricKind.GAUGE, MetricKind.COUNTER
_POD = ("namespace", "pod", "uid")
_CONTAINER = (*_POD, "container")
_DEPLOYMENT = ("namespace", "deployment")
_JOB = ("namespace", "job_name")
_HPA = ("namespace", "horizontalpodautoscaler")

_METRICS = (
    *each(
        GAUGE,
        "replicas",
        "kube_deployment_spec_replicas kube_deployment_status_replicas kube_deployment_status_replicas_ready "
        "kube_deployment_status_replicas_available kube_deployment_status_replicas_unavailable "
        "kube_deployment_status_replicas_updated",
        *_DEPLOYMENT,
    ),
    *each(
        GAUGE,
        "replicas",
        "kube_horizontalpodautoscaler_spec_max_replicas kube_horizontalpodautoscaler_spec_min_replicas "
        "kube_horizontalpodautoscaler_status_current_replicas kube_horizontalpodautoscaler_status_desired_replicas",
        *_HPA,
    ),
    *each(GAUGE, "bool", "kube_horizontalpodautoscaler_status_condition", *_HPA, "condition", "status"),
    *each(
        GAUGE,
        "info",
        "kube_horizontalpodautoscaler_info",
        *_HPA,
        "scaletargetref_api_version",
        "scaletargetref_kind",
        "scaletargetref_name",
    ),
    *each(GAUGE, "pods", "kube_job_status_active kube_job_status_succeeded", *_JOB),
    *each(GAUGE, "pods", "kube_job_status_failed", *_JOB, "reason"),
    *each(GAUGE, "bool", "kube_job_complete kube_job_failed", *_JOB, "condition"),
    *each(GAUGE, "seconds since 1970", "kube_job_status_start_time kube_job_status_completion_time", *_JOB),
    *each(GAUGE, "info", "kube_pod_owner", *_POD, "owner_kind", "owner_name", "owner_is_controller"),
    *each(GAUGE, "bool", "kube_pod_status_ready", *_POD, "condition"),
    *each(GAUGE, "bool", "kube_pod_status_phase", *_POD, "phase"),
    *each(GAUGE, "seconds since 1970", "kube_pod_created kube_pod_start_time kube_pod_status_ready_time", *_POD),
    *each(GAUGE, "seconds since 1970", "kube_pod_container_state_started", *_CONTAINER),
    *each(COUNTER, "restarts", "kube_pod_container_status_restarts_total", *_CONTAINER),
    *each(GAUGE, "bool", "kube_pod_container_status_waiting_reason", *_CONTAINER, "reason"),
)

REGISTRY = Registry(
    engine="kube-state-metrics",
    prefix="kube_(?:deployment|horizontalpodautoscaler|job|pod)_",
    since="2.8",
    read="2.17",
    source="docs/metrics/workload of kubernetes/kube-state-metrics",
    metrics=_METRICS,
)
