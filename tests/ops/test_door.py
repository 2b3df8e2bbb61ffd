"""What `make up` says of the front door at its end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ops import ask, door
from ops.console import Failure

# The last as Ollama lists a model.
LISTED = {"data": [{"id": "one"}, {"id": "org/two"}, {"id": "three:latest"}]}


@pytest.fixture
def answering() -> Iterator[tuple[str, list[int]]]:
    """A server's URL, and the statuses that it still answers with before it says 200."""
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()
            self.wfile.write(json.dumps(LISTED if self.path == "/v1/models" else {}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", statuses
        server.shutdown()
        thread.join()


def test_address_is_shown_with_all_models_once_it_answers(answering, capsys):
    url, statuses = answering
    statuses += [404, 503]
    door.show(url)

    assert capsys.readouterr().out == f"\nall models at {url}: one, org/two, three\n"


def test_door_that_asks_for_a_key_is_no_failure(answering, capsys):
    url, statuses = answering
    statuses += [401]
    door.show(url)

    assert f"all models at {url}, for clients with a key" in capsys.readouterr().out


def test_door_that_never_answers_is_named(monkeypatch):
    monkeypatch.setattr(door, "PATIENCE_SECONDS", 0)

    with pytest.raises(Failure, match=r"http://127\.0\.0\.1:9/v1/models does not answer"):
        door.show("http://127.0.0.1:9/v1")


def test_models_are_listed_under_the_names_that_clients_ask_for(answering):
    assert ask.listed(answering[0], 1) == ["one", "org/two", "three"]
