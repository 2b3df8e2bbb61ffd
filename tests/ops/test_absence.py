"""How long a model was away, as its URL tells it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ops import absence
from ops.absence import Absence


class Model(BaseHTTPRequestHandler):
    """Answers what its class says."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def until(condition: object) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_time_runs_from_the_first_failure_to_the_next_answer() -> None:
    seen = Absence()
    for now, answers in enumerate((True, True, False, False, False, True, True)):
        seen.saw(answers, float(now))

    assert seen.seconds == 3


@pytest.mark.parametrize("answers", [(True, True), (False, False, True), (True, False, False)])
def test_model_that_was_never_there_or_never_came_back_was_not_away(answers: tuple[bool, ...]) -> None:
    seen = Absence()
    for now, each in enumerate(answers):
        seen.saw(each, float(now))

    assert seen.seconds is None


def test_model_that_leaves_and_returns_is_told_beside_its_prediction(url, monkeypatch, capsys) -> None:
    with absence.watching({"here": url}, {"here": "openai"}) as seen:
        until(lambda: seen["here"].answered)
        monkeypatch.setattr(Model, "status", 503)
        until(lambda: seen["here"].left is not None)
        monkeypatch.setattr(Model, "status", 200)
        until(lambda: seen["here"].seconds is not None)
    absence.tell(seen, {"here": 12.0})

    assert "here was away for " in capsys.readouterr().out


def test_model_that_stays_is_not_told_of(url, capsys) -> None:
    with absence.watching({"here": url}, {"here": "kserve-v2"}) as seen:
        until(lambda: seen["here"].answered)
    absence.tell(seen, {"here": 12.0})

    assert capsys.readouterr().out == ""
