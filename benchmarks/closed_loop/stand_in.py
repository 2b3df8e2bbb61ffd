"""An engine's place in a pod: the simulated engine behind HTTP, its time compressed. Imports the simulated engine.

    python -m benchmarks.closed_loop.stand_in --port 8000 --factor 15 --start 4

It computes nothing and keeps the time that an engine would: a second of its engine is 1 / factor of the clock's. It
listens after `--start` seconds of the clock, as an engine does once its weights are loaded. POST /v1/completions takes
`context` (tokens of the prompt) and `max_tokens`, answers with the first token when it is made and with `timings` at
the end; GET /metrics and /health are an engine's. On SIGTERM it answers what it has, and whoever still comes, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections import deque

from benchmarks.closed_loop import exposition
from substrate.simulate.engine import REFERENCE, Replica, Request

# How long a pod that ends still takes requests: by then every client has seen it leave.
_LINGER = 1.0
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_FIRST = b'data: {"choices":[{"text":"a"}]}\n\n'


class Engine:
    """The simulated engine by the event loop's clock; each request has two moments that somebody waits for."""

    def __init__(self, factor: float, loop: asyncio.AbstractEventLoop) -> None:
        self.replica, self.factor, self.answered = Replica(REFERENCE), factor, 0
        self._loop, self._begin = loop, loop.time()
        self._timer: asyncio.TimerHandle | None = None
        # By the order of joining, and so of their first tokens.
        self._unbegun: deque[tuple[Request, asyncio.Future[None]]] = deque()
        self._ends: dict[int, asyncio.Future[None]] = {}

    def now(self) -> float:
        """In seconds of the engine."""
        return (self._loop.time() - self._begin) * self.factor

    def submit(self, context: int, generated: int) -> tuple[Request, asyncio.Future[None], asyncio.Future[None]]:
        """The request, when its first token is there, and when its last is."""
        now = self.now()
        request = Request(now, context, generated)
        first, end = self._loop.create_future(), self._loop.create_future()
        self._unbegun.append((request, first))
        self._ends[id(request)] = end
        self._tell(self.replica.submit(request, now))
        return request, first, end

    def metrics(self) -> str:
        self._advance()
        return exposition.text(self.replica, self.now(), self.factor, self.answered)

    def _advance(self) -> None:
        self._tell(self.replica.advance(self.now()))

    def _tell(self, ended: list[Request]) -> None:
        while self._unbegun and self._unbegun[0][0].first_token is not None:
            self._unbegun.popleft()[1].set_result(None)
        for request in ended:
            self.answered += 1
            self._ends.pop(id(request)).set_result(None)
        if self._timer:
            self._timer.cancel()
        if self.replica.in_flight:
            self._timer = self._loop.call_at(self._begin + self.replica.due / self.factor, self._advance)


class Server:
    """HTTP/1.1 of one request a connection, as much of it as the load, the kubelet and Prometheus speak."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.open = engine, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            await self._answer(head.split(" ", 2)[1], head, reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # who asked has gone
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, path: str, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if path == "/metrics":
            writer.write(_response("200 OK", self.engine.metrics(), "text/plain; version=0.0.4"))
        elif path == "/health":
            writer.write(_response("200 OK", "", "text/plain"))
        elif path == "/v1/completions":
            await self._complete(json.loads(await reader.readexactly(_length(head))), writer)
        else:
            writer.write(_response("404 Not Found", "", "text/plain"))

    async def _complete(self, asked: dict[str, int], writer: asyncio.StreamWriter) -> None:
        try:
            request, first, end = self.engine.submit(asked["context"], asked["max_tokens"])
        except ValueError as error:  # longer than the KV cache
            writer.write(_response("400 Bad Request", str(error), "text/plain"))
            return
        await first
        writer.write(_HEAD + _FIRST)
        await end
        writer.write(f"data: {json.dumps({'timings': timings(request)})}\n\ndata: [DONE]\n\n".encode())


def timings(request: Request) -> dict[str, float]:
    """As llama-server gives them, in milliseconds of the engine; `queue_ms` is of our own."""
    assert request.admitted is not None and request.first_token is not None and request.end is not None
    return {
        "queue_ms": 1000 * (request.admitted - request.arrival),
        "prompt_ms": 1000 * (request.first_token - request.admitted),
        "predicted_ms": 1000 * (request.end - request.first_token),
    }


def _length(head: str) -> int:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


def _response(status: str, body: str, kind: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return (head + body).encode()


async def run(port: int, factor: float, start: float) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    try:
        await asyncio.wait_for(told.wait(), start)
        return  # ended before it began to serve
    except TimeoutError:
        pass
    server = Server(Engine(factor, loop))
    listening = await asyncio.start_server(server.serve, "0.0.0.0", port, backlog=4096)
    await told.wait()
    await asyncio.sleep(_LINGER)
    listening.close()
    while server.open:
        await asyncio.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for an engine.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--factor", type=float, required=True)
    parser.add_argument("--start", type=float, required=True)
    given = parser.parse_args()
    asyncio.run(run(given.port, given.factor, given.start))


if __name__ == "__main__":
    main()
