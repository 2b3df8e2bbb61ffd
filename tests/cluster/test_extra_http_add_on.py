"""The extra `http-add-on`: a request to a Deployment at zero is held, wakes it, is answered; or told that it is not.

It comes the way that users' requests come: by the Gateway, to the interceptor, to the Service.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.cluster import scaled
from tests.cluster.conftest import PATIENCE, Embedded, eventually, service

pytestmark = [pytest.mark.cluster, pytest.mark.extras("http-add-on")]

TEAM = "sleepy-team"
SLEEPER, DEAD = "sleeper", "dead"
SHORT = 4  # seconds that a request for what does not wake is held


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    """Two Deployments at zero behind one route; no node takes the pods of the second."""
    dead = scaled.deployment(DEAD, TEAM, 0)
    dead["spec"]["template"]["spec"]["nodeSelector"] = {"nowhere": "here"}
    with foundations.namespaces(TEAM):
        foundations.apply(scaled.deployment(SLEEPER, TEAM, 0), dead)
        foundations.apply(*(service(name, TEAM) for name in (SLEEPER, DEAD)))
        foundations.apply(woken(SLEEPER, "120s"), woken(DEAD, f"{SHORT}s"), route())
        yield foundations
        foundations.kubectl("delete", "httproute/asleep", "-n", "keda")


def woken(name: str, wait: str) -> dict[str, Any]:
    spec = {
        "hosts": [host(name)],
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "service": name, "port": 80},
        "replicas": {"min": 0, "max": 1},
        "scaledownPeriod": 5,
        "timeouts": {"conditionWait": wait, "responseHeader": "60s"},
    }
    metadata = {"name": name, "namespace": TEAM}
    return {"apiVersion": "http.keda.sh/v1alpha1", "kind": "HTTPScaledObject", "metadata": metadata, "spec": spec}


def host(name: str) -> str:
    return f"{name}.test"


def route() -> dict[str, Any]:
    """In the interceptor's namespace, so that it needs nobody's grant."""
    spec = {
        "parentRefs": [{"name": "substrate", "namespace": "substrate-system"}],
        "hostnames": [host(SLEEPER), host(DEAD)],
        "rules": [{"backendRefs": [{"name": "keda-add-ons-http-interceptor-proxy", "port": 8080}]}],
    }
    metadata = {"name": "asleep", "namespace": "keda"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def ask(cluster: Embedded, name: str) -> httpx.Response:
    url = f"http://127.0.0.1:{cluster.plan.ports.gateway}/hostname"
    return httpx.get(url, headers={"Host": host(name)}, timeout=PATIENCE)


def wait_until_asleep(cluster: Embedded, name: str) -> None:
    """Routed, watched by KEDA, and without a pod."""
    cluster.kubectl("wait", "-n", TEAM, "--for=condition=Ready", f"scaledobject/{name}", "--timeout=120s")
    pods = ("get", "pods", "-n", TEAM, f"--selector=app={name}", "--output=name")
    eventually(f"{name} sleeps", lambda: scaled.replicas(cluster, name, TEAM) == 0 and not cluster.kubectl(*pods))
    eventually("the Gateway routes", lambda: ask(cluster, DEAD).status_code != httpx.codes.NOT_FOUND)


def test_requests_to_what_sleeps_are_held_until_it_answers_and_none_is_lost(cluster):
    wait_until_asleep(cluster, SLEEPER)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(cluster, SLEEPER), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-keda-http-cold-start"] for answer in answers} == {"true"}
    assert ask(cluster, SLEEPER).headers["x-keda-http-cold-start"] == "false"


def test_it_sleeps_again_once_nobody_asks(cluster):
    assert ask(cluster, SLEEPER).status_code == 200

    eventually("it is at zero", lambda: scaled.replicas(cluster, SLEEPER, TEAM) == 0)


def test_request_for_what_does_not_wake_is_answered_502_when_its_time_is_up(cluster):
    """The add-on's own answer, without Retry-After: whoever promises another has something behind or before it."""
    wait_until_asleep(cluster, SLEEPER)
    began = time.monotonic()

    answer = ask(cluster, DEAD)

    assert answer.status_code == 502 and "context marked done" in answer.text
    assert "retry-after" not in answer.headers
    assert SHORT <= time.monotonic() - began < SHORT + 10
