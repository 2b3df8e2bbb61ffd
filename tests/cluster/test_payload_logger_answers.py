"""Nothing that the payload logger does, or its sink, costs an answer. On the host."""

from __future__ import annotations

import signal
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.cluster.conftest import PATIENCE, eventually
from tests.cluster.payload_loggers import PATH, Handler, echo, logger
from tests.ports import free_port

pytestmark = [pytest.mark.engine]

ANSWERS = 3000


def test_answer_whose_end_comes_after_its_start_is_not_cut_off():
    """Of one in a thousand the end was missing: Go's server closes a body that Go's client has a last look at."""

    def begin(handler: Handler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.flush()
        time.sleep(0.001)
        handler.wfile.write(body)

    body = b"x" * 1000
    with logger(begin) as running:

        def ask(_: int) -> bool:
            return running.client.post(PATH, content=body).content == body

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(ask, range(ANSWERS))) == [True] * ANSWERS
        eventually("all are sent", lambda: running.metric("events_sent_total") == 2 * ANSWERS)


class Early(socketserver.StreamRequestHandler):
    """Answers as soon as it has read the header, as a server does that knows nobody; reads the rest afterwards."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 12\r\nconnection: close\r\n\r\n")
        time.sleep(0.01)
        self.wfile.write(b"who are you?")
        while self.rfile.read(65536):
            pass


def test_engine_that_answers_before_it_has_read_the_request_is_heard():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Early) as engine:
        engine.daemon_threads = True
        threading.Thread(target=engine.serve_forever, daemon=True).start()
        try:
            with logger(f"-engine=http://127.0.0.1:{engine.server_address[1]}") as running:
                said = [running.client.post(PATH, content=b"x" * size) for size in (10, 100_000, 200_000) * 20]
        finally:
            engine.shutdown()

    assert {(one.status_code, one.text) for one in said} == {(401, "who are you?")}


def test_engine_that_is_gone_is_told_and_logged():
    with logger(f"-engine=http://127.0.0.1:{free_port()}") as running:
        said = running.client.post(PATH, json={})
        (pair,) = running.pairs(2)

    assert (said.status_code, said.json()["error"]["code"]) == (502, "model_unavailable")
    assert pair["response"].attributes["statuscode"] == "502"


def test_answer_that_breaks_off_breaks_off_and_says_so():
    def break_off(handler: Handler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    with logger(break_off) as running:
        with pytest.raises(httpx.RemoteProtocolError):
            running.client.post(PATH, json={})
        (pair,) = running.pairs(2)

    assert (pair["response"].data, pair["response"].attributes["aborted"]) == ("half", "true")


def test_memory_is_bounded_and_what_is_not_sent_is_counted():
    forever = threading.Event()
    options = ("-max-held=1000000", "-drain=1s")
    with logger(echo, *options, sink=lambda *_: forever.wait() and None) as running:
        said = [running.client.post(PATH, content=b"x" * 100_000).status_code for _ in range(50)]
        held, dropped = running.metric("held_bytes"), running.metric("events_dropped_total")
        running.process.send_signal(signal.SIGTERM)
        ended = running.process.wait(PATIENCE)
        forever.set()

    assert said == [200] * 50
    assert 0 < held <= 1_000_000
    assert dropped >= 100 - 10 - 2
    assert ended == 0, "its sink still holds the first of them"


def test_sink_that_comes_back_in_a_moment_gets_all():
    refusals = iter([503, 429, 500])

    def busy(handler: Handler, body: bytes) -> None:
        status = next(refusals, 202)
        if status == 202:
            taken.append(body)
        handler.give(b"", status=status)

    taken: list[bytes] = []
    with logger(echo, "-log=requests", sink=busy) as running:
        running.client.post(PATH, content=b"one")
        eventually("it is taken", lambda: taken == [b"one"])
        assert running.metric("events_dropped_total") == 0


def test_what_is_waiting_is_sent_before_it_ends():
    slow = threading.Event()

    def wait(handler: Handler, body: bytes) -> None:
        slow.wait()
        taken.append(body)
        handler.give(b"", status=202)

    taken: list[bytes] = []
    with logger(echo, "-log=requests", f"-drain={PATIENCE:.0f}s", sink=wait) as running:
        for number in range(20):
            running.client.post(PATH, content=str(number).encode())
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # until it has heard the signal: nothing was sent before
        slow.set()
        assert running.process.wait(PATIENCE) == 0

    assert sorted(map(int, taken)) == list(range(20))
