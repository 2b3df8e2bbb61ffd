"""How objects stand, as `object-metrics` tells Prometheus: under the names and labels of kube-state-metrics."""

from __future__ import annotations

from typing import Any

from cluster.embedded import object_metrics
from cluster.embedded.object_metrics import Sample
from substrate.facts.metrics.kube_state_metrics import REGISTRY

STAMP, LATER, SECONDS = "2026-11-30T08:00:00Z", "2026-11-30T08:01:00Z", 1796025600
TRUE = {"status": "True", "lastTransitionTime": STAMP}
DEPLOYMENTS, AUTOSCALERS = "/apis/apps/v1/deployments", "/apis/autoscaling/v2/horizontalpodautoscalers"
JOBS, PODS, NODES = "/apis/batch/v1/jobs", "/api/v1/pods", "/api/v1/nodes"


def item(name: str, status: dict[str, Any], spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    named = {"name": name, "namespace": "team", "uid": "1-2", "creationTimestamp": STAMP, **metadata}
    return {"metadata": named, "spec": spec or {}, "status": status}


DEPLOYMENT = item(
    "m", {"replicas": 3, "readyReplicas": 2, "availableReplicas": 1, "unavailableReplicas": 2}, {"replicas": 4}
)
AUTOSCALER = item(
    "m",
    {"currentReplicas": 2, "desiredReplicas": 3, "conditions": [{"type": "ScalingLimited", **TRUE}]},
    {
        "minReplicas": 1,
        "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "m-plain"},
    },
)
FAILED = item("stage", {"failed": 1, "conditions": [{"type": "Failed", "reason": "BackoffLimitExceeded", **TRUE}]})
DONE = item(
    "stage",
    {"succeeded": 1, "startTime": STAMP, "completionTime": LATER, "conditions": [{"type": "Complete", **TRUE}]},
)
POD = item(
    "p",
    {
        "phase": "Running",
        "startTime": STAMP,
        "conditions": [{"type": "Ready", **TRUE}],
        "containerStatuses": [
            {"name": "a", "restartCount": 2, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
            {"name": "b", "restartCount": 0, "ready": True, "state": {"running": {"startedAt": LATER}}},
        ],
    },
    ownerReferences=[{"kind": "ReplicaSet", "name": "p-1", "controller": True}],
)
NODE = {"metadata": {"name": "n"}, "status": {"allocatable": {"nvidia.com/gpu": "8", "cpu": "2"}}}
WHOLE = ((DEPLOYMENTS, DEPLOYMENT), (AUTOSCALERS, AUTOSCALER), (JOBS, FAILED), (JOBS, DONE), (PODS, POD))


def told(path: str, given: dict[str, Any]) -> dict[str, float]:
    samples = [str(sample).rsplit(" ", 1) for sample in object_metrics.KINDS[path](given)]
    assert len({name for name, _ in samples}) == len(samples), "each series once"
    return {name: float(value) for name, value in samples}


def test_every_metric_that_rules_may_ask_is_told_with_its_labels():
    labels = {sample.name: set(sample.labels) for path, given in WHOLE for sample in object_metrics.KINDS[path](given)}

    assert {metric.name: labels.get(metric.name) for metric in REGISTRY.metrics} == {
        metric.name: set(metric.labels) for metric in REGISTRY.metrics
    }


def test_deployment_tells_its_replicas():
    labels = '{namespace="team",deployment="m"}'
    assert told(DEPLOYMENTS, DEPLOYMENT) == {
        f"kube_deployment_created{labels}": SECONDS,
        f"kube_deployment_spec_replicas{labels}": 4,
        f"kube_deployment_status_replicas{labels}": 3,
        f"kube_deployment_status_replicas_ready{labels}": 2,
        f"kube_deployment_status_replicas_available{labels}": 1,
        f"kube_deployment_status_replicas_unavailable{labels}": 2,
        f"kube_deployment_status_replicas_updated{labels}": 0,
    }


def test_autoscaler_tells_bounds_replicas_conditions_and_what_it_scales():
    found = told(AUTOSCALERS, AUTOSCALER)

    labels, name = 'namespace="team",horizontalpodautoscaler="m"', "kube_horizontalpodautoscaler"
    assert found[f"{name}_spec_max_replicas{{{labels}}}"] == found[f"{name}_status_desired_replicas{{{labels}}}"] == 3
    scaled = 'scaletargetref_api_version="apps/v1",scaletargetref_kind="Deployment",scaletargetref_name="m-plain"'
    assert found[f"{name}_info{{{labels},{scaled}}}"] == 1
    condition = f'{name}_status_condition{{{labels},condition="ScalingLimited",status='
    assert (found[f'{condition}"true"}}'], found[f'{condition}"false"}}']) == (1, 0)


def test_job_that_failed_says_so_and_why():
    found = told(JOBS, FAILED)

    labels = 'namespace="team",job_name="stage"'
    assert found[f'kube_job_failed{{{labels},condition="true"}}'] == 1
    assert found[f'kube_job_status_failed{{{labels},reason="BackoffLimitExceeded"}}'] == 1
    assert found[f'kube_job_status_failed{{{labels},reason="DeadlineExceeded"}}'] == 0


def test_job_that_is_done_says_how_long_it_took():
    found = told(JOBS, DONE)

    labels = 'namespace="team",job_name="stage"'
    took = found[f"kube_job_status_completion_time{{{labels}}}"] - found[f"kube_job_status_start_time{{{labels}}}"]
    assert took == 60 and found[f'kube_job_status_failed{{{labels},reason=""}}'] == 0


def test_pod_tells_its_phase_whose_it_is_when_it_was_ready_and_what_it_waits_for():
    found = told(PODS, POD)

    labels = 'namespace="team",pod="p",uid="1-2"'
    assert found[f'kube_pod_status_phase{{{labels},phase="Running"}}'] == 1
    assert found[f'kube_pod_status_phase{{{labels},phase="Failed"}}'] == 0
    assert found[f"kube_pod_status_ready_time{{{labels}}}"] == found[f"kube_pod_start_time{{{labels}}}"] == SECONDS
    owned = 'owner_kind="ReplicaSet",owner_name="p-1",owner_is_controller="true"'
    assert found[f"kube_pod_owner{{{labels},{owned}}}"] == 1
    assert found[f'kube_pod_container_state_started{{{labels},container="b"}}'] == SECONDS + 60
    assert found[f'kube_pod_container_status_restarts_total{{{labels},container="a"}}'] == 2
    assert found[f'kube_pod_container_status_waiting_reason{{{labels},container="a",reason="CrashLoopBackOff"}}'] == 1


def test_node_tells_its_gpus():
    assert told(NODES, NODE) == {'kube_node_status_allocatable{node="n",resource="nvidia_com_gpu",unit="integer"}': 8}


def test_label_with_a_quote_stays_one_label():
    assert str(Sample("m", {"l": 'a"b\\c\n'}, 1)) == 'm{l="a\\"b\\\\c\\n"} 1'
