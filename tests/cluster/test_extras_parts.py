"""What the extras are made of, each by itself: no root, no cluster, no tools."""

from __future__ import annotations

import pytest

from cluster.embedded import addons, assembly, extras, object_metrics
from cluster.embedded.errors import ClusterError
from cluster.embedded.extras import EXTRAS, keda, prometheus_adapter
from cluster.embedded.plan import BINARIES, IMAGES, Image, Plan
from cluster.embedded.ports import Ports

STAMP, SECONDS = "2026-11-30T08:00:00Z", 1796025600


def plan(*names: str) -> Plan:
    chosen = extras.chosen(names)
    tools = [*BINARIES, *(binary for name in chosen for binary in extras.extra(name).binaries)]
    return Plan(
        key="0123abcd",
        python="/usr/bin/python3",
        clone="/clone",
        binaries={name: f"/tools/{name}/{name}" for name in tools},
        images=tuple(Image(f"substrate.local/{name}:1", "sha256:0", f"/images/{name}.tar") for name in IMAGES),
        ports=Ports(api=1, gateway=2, s3=3),
        extras=chosen,
    )


# --- which, and in which order ------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [[name] for name in EXTRAS] + [list(EXTRAS), list(reversed(EXTRAS))])
def test_components_of_any_extras_come_after_all_that_they_wait_for(names):
    seen: set[str] = set()
    for component in assembly.assemble(plan(*names)):
        assert set(component.after) <= seen, component.name
        assert component.name not in seen
        seen.add(component.name)


def test_extra_brings_what_it_needs_and_engines_of_the_core_bring_nothing():
    assert extras.chosen(["llama.cpp", "http-add-on"]) == ("keda", "http-add-on")
    assert extras.chosen(["prometheus-adapter", "keda"]) == ("keda", "prometheus", "prometheus-adapter")


def test_extra_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(ClusterError, match="no extra 'kedaa'") as refused:
        extras.chosen(["kedaa"])
    assert "keda, kserve" in str(refused.value)


def test_tasks_of_every_extra_are_components_of_it():
    for extra in EXTRAS.values():
        tasks = {component.name for component in extra.components(plan(extra.name)) if component.task}
        assert tasks == set(extra.tasks), extra.name


def test_one_api_server_serves_external_metrics():
    alone, beside = (prometheus_adapter.groups(plan(*names).extras) for names in (["prometheus-adapter"], list(EXTRAS)))
    external = (keda.GROUP, keda.VERSION)

    assert external in alone and external not in beside
    assert set(alone) - {external} == set(beside)


def test_service_of_a_process_leads_to_its_port_of_the_node():
    service, endpoints = addons.node_service("proxy", "keda", addons.NodePort("http", 8080, 9464), labels={"a": "b"})

    assert service["spec"] == {"ports": [{"name": "http", "port": 8080, "targetPort": 9464, "protocol": "TCP"}]}
    assert endpoints["metadata"]["labels"] == {"a": "b", "kubernetes.io/service-name": "proxy"}
    assert endpoints["ports"] == [{"name": "http", "port": 9464, "protocol": "TCP"}]


# --- how objects stand, as kube-state-metrics tells it ------------------------------------------------------------


def told(path: str, item: dict[str, object]) -> dict[str, float]:
    """The samples of an object, but those that are 0 of one that has one value of several."""
    samples = [str(sample).rsplit(" ", 1) for sample in object_metrics.KINDS[path](item)]
    assert len({name for name, _ in samples}) == len(samples), "each series once"
    return {name: float(value) for name, value in samples}


def metadata(name: str) -> dict[str, str]:
    return {"name": name, "namespace": "team", "uid": "1-2", "creationTimestamp": STAMP}


def test_deployment_tells_its_replicas():
    status = {"replicas": 3, "readyReplicas": 2, "availableReplicas": 1, "unavailableReplicas": 2}
    found = told("/apis/apps/v1/deployments", {"metadata": metadata("m"), "spec": {"replicas": 4}, "status": status})

    labels = '{namespace="team",deployment="m"}'
    assert found == {
        f"kube_deployment_created{labels}": SECONDS,
        f"kube_deployment_spec_replicas{labels}": 4,
        f"kube_deployment_status_replicas{labels}": 3,
        f"kube_deployment_status_replicas_ready{labels}": 2,
        f"kube_deployment_status_replicas_available{labels}": 1,
        f"kube_deployment_status_replicas_unavailable{labels}": 2,
        f"kube_deployment_status_replicas_updated{labels}": 0,
    }


def test_autoscaler_tells_bounds_replicas_and_conditions():
    status = {"currentReplicas": 2, "desiredReplicas": 3, "conditions": [{"type": "ScalingLimited", "status": "True"}]}
    spec = {"minReplicas": 1, "maxReplicas": 3}
    path = "/apis/autoscaling/v2/horizontalpodautoscalers"
    found = told(path, {"metadata": metadata("m"), "spec": spec, "status": status})

    labels = 'namespace="team",horizontalpodautoscaler="m"'
    name = "kube_horizontalpodautoscaler"
    assert found[f"{name}_spec_max_replicas{{{labels}}}"] == found[f"{name}_status_desired_replicas{{{labels}}}"] == 3
    condition = f'{name}_status_condition{{{labels},condition="ScalingLimited",status='
    assert (found[f'{condition}"true"}}'], found[f'{condition}"false"}}']) == (1, 0)


def test_job_that_failed_says_so():
    status = {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
    found = told("/apis/batch/v1/jobs", {"metadata": metadata("stage"), "spec": {}, "status": status})

    labels = 'namespace="team",job_name="stage"'
    assert found[f"kube_job_status_failed{{{labels}}}"] == 1
    assert found[f'kube_job_failed{{{labels},condition="true"}}'] == 1


def test_pod_tells_its_phase_when_it_was_ready_and_what_it_waits_for():
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": STAMP}],
        "containerStatuses": [
            {"name": "a", "restartCount": 2, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
        ],
    }
    found = told("/api/v1/pods", {"metadata": metadata("p"), "status": status})

    labels = 'namespace="team",pod="p",uid="1-2"'
    assert found[f'kube_pod_status_phase{{{labels},phase="Running"}}'] == 1
    assert found[f'kube_pod_status_phase{{{labels},phase="Failed"}}'] == 0
    assert found[f"kube_pod_status_ready_time{{{labels}}}"] == SECONDS
    assert found[f'kube_pod_container_status_restarts_total{{{labels},container="a"}}'] == 2
    assert found[f'kube_pod_container_status_waiting_reason{{{labels},container="a",reason="CrashLoopBackOff"}}'] == 1


def test_node_tells_its_gpus():
    found = told("/api/v1/nodes", {"metadata": {"name": "n"}, "status": {"allocatable": {"nvidia.com/gpu": "8"}}})

    assert found == {'kube_node_status_allocatable{node="n",resource="nvidia_com_gpu",unit="integer"}': 8}


def test_label_with_a_quote_stays_one_label():
    assert str(object_metrics.Sample("m", {"l": 'a"b\\c\n'}, 1)) == 'm{l="a\\"b\\\\c\\n"} 1'
