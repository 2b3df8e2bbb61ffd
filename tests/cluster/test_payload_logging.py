"""The sidecar in a pod that is deleted, and before a sink that hangs: what a stack cannot be made to show by itself.

All pairs, the sink at zero, and KServe's own logger are in tests/e2e/test_payload_logs.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.cluster import llamas
from tests.cluster import payload_logs as logs
from tests.cluster.conftest import Embedded, eventually, wait_ready
from tests.cluster.forwarding import forwarded

pytestmark = [pytest.mark.cluster, pytest.mark.extras("payload-logging")]

TEAM = "audited"
PATH = "/v1/chat/completions"
HUNG = "hung"  # a sink that takes requests and answers none
DRAIN = 45  # seconds that an engine has for what is in flight


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    """The shared cluster with a sink and one that hangs, gone afterwards."""
    with foundations.namespaces(TEAM):
        foundations.apply(*logs.sink(TEAM), *logs.sink(TEAM, HUNG, "hang"))
        logs.scale(foundations, TEAM, logs.SINK, 1)
        logs.scale(foundations, TEAM, HUNG, 1)
        yield foundations


def test_answer_in_flight_when_the_pod_is_deleted_is_whole_and_logged(cluster):
    """The sidecar ends after the engine: it is an init container that goes on running."""
    pod = logs.logged(llamas.stub_pod("ends", TEAM), TEAM)
    pod["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": DRAIN}}}
    cluster.apply(pod)
    wait_ready(cluster, TEAM, "ends")

    def delete() -> None:
        cluster.kubectl("delete", "pod", "ends", "-n", TEAM, "--wait=false")
        assert cluster.get("pod", "ends", "-n", TEAM)["metadata"]["deletionTimestamp"]

    with forwarded(cluster, TEAM, "pod/ends", logs.LISTEN) as http:
        whole = llamas.streamed(http, PATH, "ends", between=delete)

    def logged() -> bool:
        return any(event.data.split() == whole.split() for event in logs.heard(cluster, TEAM))

    assert whole.split() == f"{llamas.FIRST} {llamas.LAST}".split()
    assert eventually("it is logged", logged)


def test_sink_that_hangs_costs_no_answer_and_no_more_than_the_memory_that_it_has(cluster):
    """400 requests of 300 KB, and their copies as answers: seven times what the sidecar may hold."""
    cluster.apply(logs.logged(llamas.stub_pod("stuck", TEAM), TEAM, sink=HUNG))
    wait_ready(cluster, TEAM, "stuck")
    large = json.dumps({"model": "stuck", "messages": ["x" * 300_000]})

    def echoed(http: httpx.Client) -> bool:
        return http.post("/v1/x", content=large, headers={"content-type": "application/json"}).text == large

    with forwarded(cluster, TEAM, "pod/stuck", logs.LISTEN) as http, ThreadPoolExecutor(4) as pool:
        said = list(pool.map(echoed, [http] * 400))
    held = llamas.metric(cluster, TEAM, "stuck", logs.METRICS, "payload_logger_held_bytes ")
    status = cluster.get("pod", "stuck", "-n", TEAM)["status"]["initContainerStatuses"][0]

    assert said == [True] * 400
    assert logs.counted(cluster, TEAM, "stuck", "dropped") > 400
    assert held <= 32 * 1024**2
    assert status["restartCount"] == 0
