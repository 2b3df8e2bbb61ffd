"""How it is known that a component serves: one short question a probe, True or False, never an exception.

Imports the standard library only.
"""

from __future__ import annotations

import http.client
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cluster.embedded.api import Api, ApiError, condition

Probe = Callable[[float], bool]
"""Asked with the time (seconds since the epoch) at which the component was started."""

_TIMEOUT = 2.0  # seconds
_SETTLING = 1.0  # seconds
_A_RECORD, _INTERNET, _RECURSE = 1, 1, 0x0100
_REPLY_CODE = 0x000F


def settled(since: float) -> bool:
    """For what cannot be asked: whether it has run for a while. What cannot start ends sooner."""
    return time.time() - since > _SETTLING


def http_answers(host: str, port: int, path: str = "/", status: tuple[int, ...] = (200,)) -> Probe:
    """Whether a plain HTTP GET gets one of these statuses."""

    def ask(_: float) -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        try:
            connection.request("GET", path)
            return connection.getresponse().status in status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def tcp_accepts(host: str, port: int) -> Probe:
    """Whether something accepts connections there."""

    def ask(_: float) -> bool:
        try:
            socket.create_connection((host, port), timeout=_TIMEOUT).close()
        except OSError:
            return False
        return True

    return ask


def socket_accepts(path: Path) -> Probe:
    """Whether a unix socket accepts connections."""

    def ask(_: float) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(_TIMEOUT)
            return client.connect_ex(str(path)) == 0

    return ask


def name_resolves(server: str, name: str) -> Probe:
    """Whether a DNS server knows an address for a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    question = struct.pack("!6H", 1, _RECURSE, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", _A_RECORD, _INTERNET)

    def ask(_: float) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(_TIMEOUT)
            try:
                client.sendto(question, (server, 53))
                flags, _questions, answers = struct.unpack("!3H", client.recv(512)[2:8])
            except (OSError, struct.error):
                return False
        return bool(flags & _REPLY_CODE == 0 and answers > 0)

    return ask


def api_ready(_: float) -> bool:
    """Whether the API server is ready, bootstrap roles included."""
    return Api.inside().healthy()


def api_serves(group: str, version: str) -> Probe:
    """Whether the API server reaches what serves a group of its API."""
    return lambda _: Api.inside().healthy(f"/apis/{group}/{version}")


def node_ready(name: str) -> Probe:
    """Whether the node is Ready by a report of this run of its kubelet; an earlier run's word may still stand."""

    def ask(since: float) -> bool:
        try:
            ready = condition(Api.inside().get(f"/api/v1/nodes/{name}"), "Ready")
        except (ApiError, OSError, http.client.HTTPException):
            return False
        return ready.get("status") == "True" and _seconds(ready.get("lastHeartbeatTime")) >= int(since)

    return ask


def both(first: Probe, second: Probe) -> Probe:
    return lambda since: first(since) and second(since)


def _seconds(stamp: str | None) -> float:
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp() if stamp else 0.0
