"""The extra `prometheus-adapter`: HPAs read processors' use and recorded series through it, and act by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import demands, scaled
from tests.cluster.conftest import Embedded, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.extras("prometheus-adapter")]

TEAM, SERVER = "adapted-team", "server"
RECORDED, ADAPTED = "model:demand:sum", "model_demand_sum"
_EXTERNAL_API = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{TEAM}/{ADAPTED}"
_PODS = f"/apis/metrics.k8s.io/v1beta1/namespaces/{TEAM}/pods"
_CUSTOM = f"/apis/custom.metrics.k8s.io/v1beta1/namespaces/{TEAM}/pods/{demands.NAME}/demand"


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    """With a number that a rule records. KEDA is not in it: one server has the group of external metrics."""
    record = {"record": RECORDED, "expr": "sum by (namespace, substrate_dev_model) (demand)"}
    with foundations.namespaces(TEAM):
        demands.make(foundations, TEAM)
        foundations.apply(demands.rules(TEAM, record), scaled.deployment(SERVER, TEAM, 1))
        yield foundations


def asked(cluster: Embedded, path: str) -> list[dict[str, Any]]:
    """The items at a path of the API; none where it is not served yet."""
    answer = cluster.kubectl("get", "--raw", path, check=False)
    return list(json.loads(answer)["items"]) if answer else []


def test_recorded_series_is_an_external_metric_by_the_labels_of_its_model(cluster):
    demands.demand(cluster, TEAM, 7)

    def value(model: str) -> list[str]:
        found = asked(cluster, f"{_EXTERNAL_API}?labelSelector=substrate_dev_model%3D{model}")
        return [item["value"] for item in found]

    eventually("it is told", lambda: value(demands.MODEL) == ["7"])
    assert value("another") == []


def test_hpa_follows_an_external_metric_up_and_down(cluster):
    metric = {
        "metric": {"name": ADAPTED, "selector": {"matchLabels": {"substrate_dev_model": demands.MODEL}}},
        "target": {"type": "AverageValue", "averageValue": "16"},
    }
    cluster.apply(scaled.autoscaler(SERVER, TEAM, {"type": "External", "external": metric}))

    demands.demand(cluster, TEAM, 32)
    eventually("there are two replicas", lambda: scaled.replicas(cluster, SERVER, TEAM) == 2)
    demands.demand(cluster, TEAM, 1)
    eventually("one replica is left", lambda: scaled.replicas(cluster, SERVER, TEAM) == 1)


def test_series_of_a_pod_is_a_custom_metric_of_it(cluster):
    demands.demand(cluster, TEAM, 5)

    eventually("it is told", lambda: [item["value"] for item in asked(cluster, _CUSTOM)] == ["5"])


def test_processors_use_is_told_as_a_metrics_server_does(cluster):
    def used() -> set[str]:
        return {item["metadata"]["name"] for item in asked(cluster, _PODS) if item["containers"][0]["usage"]["cpu"]}

    eventually("the pod's use is told", lambda: demands.NAME in used())
    assert asked(cluster, "/apis/metrics.k8s.io/v1beta1/nodes")[0]["usage"]["memory"]


def test_hpa_reads_the_use_of_processors(cluster):
    name = "busy"
    target = {"type": "Utilization", "averageUtilization": 80}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    cluster.apply(scaled.deployment(name, TEAM, 1), scaled.autoscaler(name, TEAM, metric))

    def read() -> Any:
        metrics = cluster.get("hpa", name, "-n", TEAM).get("status", {}).get("currentMetrics") or [{}]
        return metrics[0].get("resource", {}).get("current", {}).get("averageUtilization") is not None

    eventually("the HPA knows it", read)
