"""A real HTTP server in this process, with the faults of real ones; it counts what it was asked and what it sent."""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

BLOCK = 64 * 1024
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class Site:
    """What a server offers and how it behaves. `faults` are taken by one GET each, before it is answered in earnest."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    heads: bool = True
    etags: bool = True
    conditions: bool = True  # whether If-Match is looked at
    faults: deque[Callable[[Handler], bool]] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    sent: int = 0

    def etag(self, path: str) -> str:
        return f'"{hashlib.md5(self.files[path]).hexdigest()}"'

    def asked(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]


class Handler(BaseHTTPRequestHandler):
    """Answers from the site of its server."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        site = self.server.site
        site.requests.append(Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        if body and site.faults and site.faults.popleft()(self):
            return
        if body or site.heads:
            self.server.route(self, body)
        else:
            self.status(405)

    def status(self, code: int, **headers: str) -> None:
        """An answer without a body."""
        self.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send_file(self, path: str, body: bool, ranges: bool | None = None, cut: int | None = None) -> None:
        """A file or the part of it that was asked for; `cut` ends the connection after so many bytes of the body."""
        ranges = self.server.site.ranges if ranges is None else ranges
        data = self.server.site.files.get(path)
        if data is None:
            self.status(404)
        elif self._condition_fails(path):
            self.status(412)
        else:
            self._send_part(path, data, ranges, cut if body else 0, body)

    def _condition_fails(self, path: str) -> bool:
        wanted = self.headers.get("If-Match")
        return bool(self.server.site.conditions and wanted and wanted != self.server.site.etag(path))

    def _send_part(self, path: str, data: bytes, ranges: bool, cut: int | None, body: bool) -> None:
        part = RANGE.fullmatch(self.headers.get("Range", "")) if ranges else None
        start, end = (int(part[1]), int(part[2] or len(data) - 1) + 1) if part else (0, len(data))
        if part and start >= len(data):
            self.status(416, Content_Range=f"bytes */{len(data)}")
            return
        self.send_response(206 if part else 200)
        if part:
            self.send_header("Content-Range", f"bytes {start}-{min(end, len(data)) - 1}/{len(data)}")
        self._describe(path, len(data[start:end]), ranges)
        if body:
            self._send(data[start:end], cut)

    def _describe(self, path: str, length: int, ranges: bool) -> None:
        if ranges:
            self.send_header("Accept-Ranges", "bytes")
        if self.server.site.etags:
            self.send_header("ETag", self.server.site.etag(path))
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, data: bytes, cut: int | None) -> None:
        view = memoryview(data if cut is None else data[:cut])
        while view:
            self.wfile.write(view[:BLOCK])
            self.server.site.sent += len(view[:BLOCK])
            view = view[BLOCK:]
        if cut is not None:
            self.reset()

    def reset(self) -> None:
        """End the connection by RST instead of FIN."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests look at the site's requests."""


class Server(ThreadingHTTPServer):
    """One site on a free port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: Site, handler: type[Handler] = Handler) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.site = site

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def route(self, handler: Handler, body: bool) -> None:
        """Files by path; the hub overrides it."""
        handler.send_file(unquote(urlsplit(handler.path).path).lstrip("/"), body)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what several tests are about."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def answering(code: int, **headers: str) -> Callable[[Handler], bool]:
    """A fault: this status instead of the file."""

    def fault(handler: Handler) -> bool:
        handler.status(code, **headers)
        return True

    return fault


def resetting(after: int) -> Callable[[Handler], bool]:
    """A fault: the connection is reset after so many bytes of the body."""

    def fault(handler: Handler) -> bool:
        handler.send_file(unquote(handler.path).lstrip("/"), body=True, cut=after)
        return True

    return fault


def ignoring_range(handler: Handler) -> bool:
    """A fault: 200 and the whole file, whatever part was asked for."""
    handler.send_file(unquote(handler.path).lstrip("/"), body=True, ranges=False)
    return True


def stalling(seconds: float) -> Callable[[Handler], bool]:
    """A fault: nothing at all for so long, then the connection ends."""

    def fault(handler: Handler) -> bool:
        time.sleep(seconds)
        handler.reset()
        return True

    return fault


def replacing(path: str, data: bytes) -> Callable[[Handler], bool]:
    """A fault: the file is overwritten before this request is answered."""

    def fault(handler: Handler) -> bool:
        handler.server.site.files[path] = data
        return False

    return fault


def passing(handler: Handler) -> bool:
    """No fault: this request is answered in earnest."""
    return False
