"""The extra `prometheus`: the real operator has a real Prometheus read every monitor and rule, of any namespace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.embedded.layout import Network
from tests.cluster import demands
from tests.cluster.conftest import Embedded, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.extras("prometheus")]

TEAM = "observed-team"


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    with foundations.namespaces(TEAM):
        demands.make(foundations, TEAM)
        yield foundations


def test_pod_of_a_monitor_is_scraped_and_its_series_have_its_labels(cluster):
    demands.demand(cluster, TEAM, 3)

    sample = demands.told(cluster, f'demand{{namespace="{TEAM}"}} == 3')

    assert sample["metric"]["pod"] == demands.NAME
    assert sample["metric"]["substrate_dev_model"] == demands.MODEL


def test_alert_of_a_rule_fires_and_ends_with_its_cause(cluster):
    alert = {"alert": "DemandIsHigh", "expr": f'demand{{namespace="{TEAM}"}} > 9', "labels": {"severity": "page"}}
    firing = f'ALERTS{{alertname="DemandIsHigh",alertstate="firing",namespace="{TEAM}"}}'
    cluster.apply(demands.rules(TEAM, alert))

    demands.demand(cluster, TEAM, 10)
    assert demands.told(cluster, firing)["metric"]["severity"] == "page"

    demands.demand(cluster, TEAM, 0)
    eventually("the alert is over", lambda: not demands.query(cluster, firing))


def test_replicas_of_a_workload_are_told_as_kube_state_metrics_does(cluster):
    template = {"metadata": {"labels": {"app": "none"}}, "spec": {"containers": [{"name": "none", "image": "none"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "none"}}, "template": template}
    metadata = {"name": "none", "namespace": TEAM}
    cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})

    labels = f'namespace="{TEAM}",deployment="none"'
    wanted = f"kube_deployment_spec_replicas{{{labels}}} - kube_deployment_status_replicas_available{{{labels}}}"
    assert demands.told(cluster, wanted)["value"] == 0
    assert demands.told(cluster, f"kube_deployment_created{{{labels}}}")["metric"]["job"] == "kube-state-metrics"


def test_use_of_processors_is_read_from_the_kubelet(cluster):
    used = demands.told(cluster, f'container_cpu_usage_seconds_total{{namespace="{TEAM}",pod="{demands.NAME}"}}')
    assert used["metric"]["node"] == Network.NODE_NAME and used["value"] > 0


def test_prometheus_runs_as_pod_security_restricts(cluster):
    (namespace,) = [item for item in cluster.get("namespaces")["items"] if item["metadata"]["name"] == "monitoring"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert namespace["metadata"]["labels"]["substrate.dev/monitoring"] == "true", "what a team's policies let in"
