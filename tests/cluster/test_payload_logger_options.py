"""Which events the payload logger sends, to whom, and how it refuses wrong options. On the host."""

from __future__ import annotations

import subprocess

import pytest

from cluster import tools
from tests.cluster import payload_logs as logs
from tests.cluster.conftest import eventually
from tests.cluster.payload_loggers import PATH, SECRET, Handler, echo, logger
from tests.cluster.payload_logs import Event

pytestmark = [pytest.mark.engine]


def test_sample_takes_its_share_and_both_halves_or_none():
    with logger(echo, "-sample=0.25") as running:
        for number in range(800):
            running.client.post(PATH, json=number)

        def whole() -> list[dict[str, Event]]:
            found = list(logs.pairs(running.heard).values())
            return found if all(len(pair) == 2 for pair in found) else []

        found = eventually("all pairs are there", whole)

    assert 130 < len(found) < 280, "of 800; six standard deviations are 74"
    assert all(pair["request"].data == pair["response"].data for pair in found)


@pytest.mark.parametrize(("chosen", "kinds"), {"requests": ["request"], "responses": ["response"]}.items())
def test_one_half_alone_can_be_asked_for(chosen, kinds):
    with logger(echo, f"-log={chosen}") as running:
        running.client.post(PATH, json={})
        running.client.post(PATH, json={})
        assert [list(pair) for pair in running.pairs(2)] == [kinds, kinds]


def test_only_what_asks_a_model_is_logged_and_keys_are_not():
    with logger(echo) as running:
        running.client.get("/v1/models")
        running.client.post(f"{PATH}?key={SECRET}", json={}, headers={"authorization": SECRET, "x-request-id": "r-1"})
        (pair,) = running.pairs(2)

    assert SECRET not in str(running.heard)
    assert {event.attributes["requestid"] for event in pair.values()} == {"r-1"}
    assert {event.attributes["path"] for event in pair.values()} == {PATH}


def test_sink_gets_its_own_key(monkeypatch):
    monkeypatch.setenv("PAYLOAD_SINK_AUTHORIZATION", "Bearer of-the-sink")
    keys: list[str] = []

    def look(handler: Handler, _: bytes) -> None:
        keys.append(handler.headers["authorization"])
        handler.give(b"", status=202)

    with logger(echo, "-log=requests", sink=look) as running:
        running.client.post(PATH, json={}, headers={"authorization": "Bearer of-ann"})
        eventually("the sink was asked", lambda: keys)

    assert keys == ["Bearer of-the-sink"]


WRONG = {
    ("-sink=http://s", "-model=m"): "-namespace is missing",
    ("-sink=s", "-model=m", "-namespace=n", "-relay"): '"s" is no URL: write http://HOST:PORT/PATH',
    ("-sink=http://s", "-model=m", "-namespace=n"): "give either -engine URL or -relay",
    ("-sink=http://s", "-model=m", "-namespace=n", "-relay", "-sample=2"): "-sample is 2: write a share from 0 to 1",
    ("-sink=http://s", "-model=m", "-namespace=n", "-engine=e"): '"e" is no URL: write http://HOST:PORT/PATH',
}


@pytest.mark.parametrize(("options", "said"), WRONG.items(), ids=WRONG.values())
def test_wrong_options_are_told_in_one_line(options, said):
    tools.ensure(["payload-logger"])
    done = subprocess.run([tools.path("payload-logger"), *options], capture_output=True, text=True, timeout=10)

    assert (done.returncode, done.stderr) == (2, f"payload-logger: {said}\n")
