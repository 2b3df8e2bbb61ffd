"""The extra `keda`: by a number of Prometheus' the real KEDA has the real HPA controller change replicas, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import demands, scaled
from tests.cluster.conftest import Embedded, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.extras("keda", "prometheus")]

TEAM, SERVER = "keda-team", "server"
THRESHOLD = 16


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    with foundations.namespaces(TEAM):
        demands.make(foundations, TEAM)
        yield foundations


def scaled_object(name: str, address: str = demands.PROMETHEUS) -> dict[str, Any]:
    """Of one to two replicas, one for each 16 that are demanded."""
    asked = {
        "serverAddress": address,
        "query": f'sum(demand{{namespace="{TEAM}"}})',
        "threshold": str(THRESHOLD),
    }
    spec = {
        "scaleTargetRef": {"name": name},
        "minReplicaCount": 1,
        "maxReplicaCount": 2,
        "pollingInterval": 2,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": scaled.AT_ONCE}},
        "triggers": [{"type": "prometheus", "metadata": asked}],
    }
    metadata = {"name": name, "namespace": TEAM}
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": spec}


def test_replicas_follow_a_query_up_and_down(cluster):
    cluster.apply(scaled.deployment(SERVER, TEAM, 1), scaled_object(SERVER))
    cluster.kubectl("wait", "-n", TEAM, "--for=condition=Ready", f"scaledobject/{SERVER}", "--timeout=120s")
    assert cluster.get("hpa", f"keda-hpa-{SERVER}", "-n", TEAM)["spec"]["maxReplicas"] == 2

    demands.demand(cluster, TEAM, THRESHOLD * 2)
    eventually("there are two replicas", lambda: scaled.replicas(cluster, SERVER, TEAM) == 2)
    rollout = f"deployment/{SERVER}"
    cluster.kubectl("rollout", "status", rollout, "-n", TEAM, "--timeout=120s")

    demands.demand(cluster, TEAM, 1)
    eventually("one replica is left", lambda: scaled.replicas(cluster, SERVER, TEAM) == 1)


def test_prometheus_that_is_not_there_is_named_and_replicas_stay(cluster):
    name = "lost"
    cluster.apply(scaled.deployment(name, TEAM, 1), scaled_object(name, "http://nowhere.monitoring:9090"))

    def said() -> str:
        events = cluster.get("events", "-n", TEAM, "--field-selector", f"involvedObject.name={name}")["items"]
        return "\n".join(str(event.get("message", "")) for event in events)

    eventually("an event says so", lambda: "nowhere.monitoring" in said(), said)
    assert scaled.replicas(cluster, name, TEAM) == 1
