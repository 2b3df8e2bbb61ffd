"""Ports, and the way in through them: no root, no cluster, no tools."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from cluster.embedded import ports
from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import CLONE
from cluster.embedded.ports import Ports

# --- ports --------------------------------------------------------------------------------------------------------


def test_ports_are_the_same_every_time_for_a_clone_and_others_for_another():
    first, second = Ports.choose("00000001", {}), Ports.choose("000003e8", {})

    assert first == Ports.choose("00000001", {})
    assert first.gateway == second.gateway == 8080
    assert len({first.api, first.s3, second.api, second.s3}) == 4


def test_port_asked_for_wins():
    assert Ports.choose("00000001", {"api": 7, "gateway": 8, "s3": 9}) == Ports(7, 8, 9)


def test_doors_open_all_or_none():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = Ports.choose("00000001", {"gateway": taken.getsockname()[1]})
        with pytest.raises(ClusterError, match=rf"gateway, is in use by pid {os.getpid()} ") as refused:
            ports.listen(free)
    assert refused.tb is not None, "its frames keep alive what was not closed"
    opened = ports.listen(free)

    assert set(opened) == {"api", "gateway", "s3"}, "a door that stayed open would be in use now"
    for listener in opened.values():
        listener.close()


# --- the way in ---------------------------------------------------------------------------------------------------


# Collects all the time: a connection that nobody holds is gone at once, and not once in some thousands.
FORWARDER = """
import asyncio, gc, sys
from cluster.embedded import forward

async def collect():
    while True:
        gc.collect()
        await asyncio.sleep(0.01)

async def main():
    collecting = asyncio.create_task(collect())
    await forward.main(sys.argv[1:])

asyncio.run(main())
"""


@pytest.fixture
def forwarded():
    """Start the forwarder to a server that a test gives; answers with the port to connect to."""
    started: list[Any] = []

    def start(serve: Callable[[socket.socket], None] | None) -> int:
        target = socket.create_server(("127.0.0.1", 0))
        address = target.getsockname()
        if serve:
            threading.Thread(target=accept_for_ever, args=(target, serve), daemon=True).start()
        else:
            target.close()
        door = socket.create_server(("127.0.0.1", 0))
        command = [sys.executable, "-c", FORWARDER, f"{door.fileno()}={address[0]}:{address[1]}"]
        started.append(subprocess.Popen(command, cwd=CLONE, pass_fds=[door.fileno()]))
        started.append(target)
        port = door.getsockname()[1]
        door.close()
        return int(port)

    yield start
    for one in started:
        if isinstance(one, subprocess.Popen):
            one.kill()
            one.wait()
        else:
            one.close()


def accept_for_ever(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def test_end_of_a_request_reaches_the_server_while_its_answer_is_open(forwarded):
    def count(connection: socket.socket) -> None:
        with connection:
            connection.sendall(f"{len(read_all(connection))}".encode())

    with connect(forwarded(count)) as client:
        client.sendall(b"x" * 3_000_000)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"3000000"


def test_answer_to_a_request_that_has_ended_is_carried_whatever_is_collected_meanwhile(forwarded):
    answered = threading.Event()

    def late(connection: socket.socket) -> None:
        with connection:
            asked = read_all(connection)
            answered.wait(30)
            connection.sendall(asked)

    port = forwarded(late)
    with connect(port) as client:
        client.sendall(b"x")
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        answered.set()
        assert read_all(client) == b"x"


def test_bytes_are_passed_on_as_they_come(forwarded):
    def echo_lines(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as lines:
            for line in lines:
                lines.write(line)
                lines.flush()

    with connect(forwarded(echo_lines)) as client, client.makefile("rwb") as lines:
        for word in (b"one\n", b"two\n", b"three\n"):
            lines.write(word)
            lines.flush()
            assert lines.readline() == word


def test_server_learns_that_its_client_is_gone(forwarded):
    gone = threading.Event()

    def stream(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"token " * 1000)
        except OSError:
            gone.set()

    with connect(forwarded(stream)) as client:
        client.recv(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert gone.wait(30), "a cancelled answer must not be generated to its end"


def test_client_is_let_go_when_the_server_is_not_there(forwarded):
    with connect(forwarded(None)) as client, pytest.raises(ConnectionResetError):
        client.recv(10)
        client.sendall(b"x")
        client.recv(10)
