"""The listeners on 127.0.0.1 by which the host reaches into the cluster. Imports the standard library only.

They are opened in the host's network namespace and served inside the cluster's, so that no network link joins the two.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import Network

HOST = "127.0.0.1"
DEFAULT_GATEWAY = 8080
_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp
_FIRST_FREE, _FREE = 20000, 10000  # below the range that the kernel gives to outgoing connections
_BACKLOG = 1024


@dataclass(frozen=True)
class Door:
    """One way in: its name, where it leads inside, and the option that moves it on the host."""

    name: str
    target: tuple[str, int]
    option: str


DOORS = (
    Door("api", (Network.NODE, Network.API_PORT), "--api-port"),
    Door("gateway", (Network.NODE, Network.GATEWAY_PORT), "--gateway-port, and baseUrl in Pulumi.local.yaml with it"),
    Door("s3", (Network.NODE, Network.S3_PORT), "--s3-port"),
)


@dataclass(frozen=True)
class Ports:
    """The ports on 127.0.0.1, chosen once and kept as long as the cluster's state."""

    api: int
    gateway: int
    s3: int

    @classmethod
    def choose(cls, key: str, wanted: dict[str, int]) -> Ports:
        """What is asked for; else 8080 for the Gateway, and for the rest free ports, always the same for a clone."""
        free = _free_ports(int(key, 16))
        return cls(
            api=wanted.get("api") or next(free),
            gateway=wanted.get("gateway") or DEFAULT_GATEWAY,
            s3=wanted.get("s3") or next(free),
        )

    def of(self, door: Door) -> int:
        return {"api": self.api, "gateway": self.gateway, "s3": self.s3}[door.name]


def listen(ports: Ports) -> dict[str, socket.socket]:
    """Open every door, or none. Raises ClusterError that names the port, who holds it, and the option to change."""
    opened: dict[str, socket.socket] = {}
    try:
        for door in DOORS:
            opened[door.name] = _listen(ports.of(door), door)
    except ClusterError:
        for listener in opened.values():
            listener.close()
        raise
    return opened


def holder(port: int) -> str:
    """Who listens on a port, as far as /proc tells: `pid 123 (nginx -g ...)`."""
    inodes = set(_listening_inodes(port))
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and inodes & set(_sockets(process)):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            return f"pid {process.name} ({command[:80]})"
    return "a process that /proc does not show"


def _listen(port: int, door: Door) -> socket.socket:
    listener = _bound(port)
    if listener is None:
        raise ClusterError(
            f"port {port} on {HOST}, wanted for the cluster's {door.name}, is in use by {holder(port)}",
            remedy=f"end that, or choose another port: {door.option}",
        )
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def _bound(port: int) -> socket.socket | None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise ClusterError(f"port {port} on {HOST} cannot be opened: {error.strerror}") from error
    return listener


def _free_ports(seed: int) -> Iterator[int]:
    for step in range(_FREE):
        port = _FIRST_FREE + (seed + step) % _FREE
        probe = _bound(port)
        if probe is not None:
            probe.close()
            yield port


def _listening_inodes(port: int) -> Iterator[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _sockets(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]
    except OSError:
        return  # it ended meanwhile, or is not ours to look at
