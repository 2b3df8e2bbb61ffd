"""The payload logger as the relay behind KServe's own logger. On the host."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from tests.cluster import payload_logs as logs
from tests.cluster.conftest import eventually
from tests.cluster.payload_loggers import Logger, logger

pytestmark = [pytest.mark.engine]


def told(running: Logger, number: int, kind: str, data: bytes = b"{}") -> int:
    """The status that KServe's agent gets for one of its events."""
    attributes = {
        "id": str(number),
        "type": f"org.kubeflow.serving.inference.{kind}",
        "source": "http://localhost:9081/",
    }
    headers = {f"ce-{name}": value for name, value in {**attributes, "specversion": "1.0"}.items()}
    return running.client.post("/", content=data, headers={**headers, "content-type": "application/json"}).status_code


def test_relay_answers_while_its_sink_answers_nothing():
    forever = threading.Event()
    with logger("-relay", "-max-held=1000000", sink=lambda *_: forever.wait() and None) as running:
        assert {told(running, number, "request", b"x" * 10_000) for number in range(300)} == {200}
        assert running.metric("events_sent_total") == 0
        assert running.metric("events_dropped_total") >= 150
        forever.set()


def test_relay_samples_pairs_and_gives_a_stream_its_own_type():
    with logger("-relay", "-sample=0.5") as running:
        for kind, data in (("request", b'{"stream": true}'), ("response", b"data: {}\n\ndata: [DONE]\n\n")):
            assert {told(running, number, kind, data) for number in range(100)} == {200}
        eventually("half are there", lambda: len(running.heard) == running.metric("events_sent_total") > 40)
        pairs = logs.pairs(running.heard).values()

    assert all(len(pair) == 2 for pair in pairs)
    assert {pair["response"].content_type for pair in pairs} == {"text/event-stream"}
    assert {pair["request"].attributes["source"] for pair in pairs} == {"/namespaces/n/models/m/requests"}


def test_relay_lingers_for_the_agent_that_ends_after_it():
    """In a pod of Knative's both are told to end at once, and the agent has answers to report after that."""
    with logger("-relay", "-linger=600s") as running:
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)  # until it has heard the signal
        assert told(running, 1, "response") == 200
        eventually("it is sent on", lambda: [event.attributes["id"] for event in running.heard] == ["1"])
        assert running.process.poll() is None


def test_relay_takes_no_other_events():
    with logger("-relay") as running:
        assert told(running, 1, "ping") == 400
        assert running.client.post("/", json={}).status_code == 400
