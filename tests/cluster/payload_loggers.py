"""The payload logger on the host, between an engine and a sink that tests make up. Imports the fixtures."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import httpx

from cluster import tools
from tests.cluster import payload_logs as logs
from tests.cluster.conftest import PATIENCE, eventually
from tests.cluster.payload_logs import Event

Answer = Callable[["Handler", bytes], None]
PATH = "/v1/chat/completions"
SECRET = "what nobody may read"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet, as engines write it
    answer: Answer

    def do_POST(self) -> None:
        self.server.answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))  # type: ignore[attr-defined]

    def give(self, body: bytes, kind: str = "application/json", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """The URL of a server that answers so."""
    ThreadingHTTPServer.request_queue_size = 256
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.answer = answer  # type: ignore[attr-defined]
        running.daemon_threads = True
        running.block_on_close = False
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()


@dataclass
class Logger:
    """A running payload logger, and what its sink has heard."""

    process: subprocess.Popen[str]
    client: httpx.Client
    metrics: str
    heard: list[Event] = field(default_factory=list)

    def pairs(self, count: int) -> list[dict[str, Event]]:
        """All of them, in the order of the requests, as soon as there are so many events, repeats not counted."""

        def found() -> list[dict[str, Event]]:
            return list(logs.pairs(sorted(self.heard, key=lambda event: event.attributes["time"])).values())

        eventually(f"{count} events", lambda: sum(map(len, found())) >= count, instead=found)
        return found()

    def metric(self, name: str) -> float:
        lines = httpx.get(self.metrics).text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"payload_logger_{name}"))


@contextmanager
def logger(engine: Answer | str, *options: str, sink: Answer | None = None) -> Iterator[Logger]:
    """One with an engine and a sink that answer so; `engine` may be the option itself."""
    heard: list[Event] = []

    def remember(handler: Handler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        heard.extend(logs.events(json.dumps([[headers, body.decode()]])))
        handler.give(b"", status=202)

    tools.ensure(["payload-logger"])
    with server(sink or remember) as sink_url, server(echo if isinstance(engine, str) else engine) as engine_url:
        before = engine if isinstance(engine, str) else f"-engine={engine_url}"
        arguments = [before, f"-sink={sink_url}", "-model=m", "-namespace=n", *options]
        command = [str(tools.path("payload-logger")), "-listen=127.0.0.1:0", "-metrics=127.0.0.1:0", *arguments]
        with NamedTemporaryFile("w+") as said, subprocess.Popen(command, text=True, stderr=said) as process:
            try:
                address, side = listening(process, Path(said.name))
                with httpx.Client(base_url=f"http://{address}", timeout=PATIENCE) as client:
                    yield Logger(process, client, f"http://{side}/metrics", heard)
            finally:
                process.kill()
                print(Path(said.name).read_text())


def listening(process: subprocess.Popen[str], said: Path) -> tuple[str, str]:
    """The addresses that it says it has."""

    def addresses() -> re.Match[str] | None:
        assert process.poll() is None, f"it did not start: {said.read_text()}"
        return re.search(r"listens address=(\S+) metrics=(\S+)", said.read_text())

    found = eventually("it listens", addresses)
    return found[1], found[2]


def echo(handler: Handler, body: bytes) -> None:
    handler.give(body)


def stream(*lines: str) -> Answer:
    """An engine that answers with these lines."""
    return lambda handler, _: handler.give("\n".join(lines).encode(), "text/event-stream")
