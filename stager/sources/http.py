"""A web server's folder, and the HTTP that the Hugging Face source shares; imports httpx and the standard library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import httpx

from stager import USER_AGENT, listing
from stager.errors import SourceRefused
from stager.retry import Patience
from stager.sources.base import Changed, RangeIgnored, Remote, Transient

PASSING_STATUSES = {408, 425, 429}
HEAD_NOT_OFFERED = {400, 405, 501}
UNTRUSTED = "its certificate is not trusted here; SSL_CERT_FILE names the authorities that are"
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
MEANINGS = {
    401: "it wants credentials; an http source is read without any",
    403: "forbidden",
    404: "no such file",
    410: "gone",
}


class HttpSource:
    """Files below one address, read by ranges where the server offers them."""

    def __init__(self, where: listing.Source, patience: Patience, piece: int) -> None:
        self._base = where.uri.rstrip("/") + "/"
        self._client = client(patience, redirects=True)
        self._piece = piece

    def uri(self, path: str) -> str:
        return self._base + quote(path)

    def stat(self, path: str) -> Remote:
        with answered():
            response = self._client.head(self.uri(path))
        if response.status_code not in HEAD_NOT_OFFERED:
            refuse(response, self.uri(path), MEANINGS)
            if response.headers.get("accept-ranges") == "bytes" and "content-length" in response.headers:
                return remote_of(response, int(response.headers["content-length"]), ranges=True, uri=self.uri(path))
        return self._probe(path)

    def _probe(self, path: str) -> Remote:
        """What a server says about a file when its first byte is asked for: the surest test of ranges."""
        with answered(), self._client.stream("GET", self.uri(path), headers={"Range": "bytes=0-0"}) as response:
            if response.status_code == 416:  # an empty file has no first byte
                return remote_of(response, 0, ranges=False, uri=self.uri(path))
            refuse(response, self.uri(path), MEANINGS)
            part = CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
            if response.status_code == 206 and part:
                return remote_of(response, int(part[3]), ranges=True, uri=self.uri(path))
            length = response.headers.get("content-length", "")
            if not length.isdigit():
                problem = f"{self.uri(path)}: the server does not tell its size (no Content-Length)"
                raise SourceRefused("the source refused", [problem])
            return remote_of(response, int(length), ranges=False, uri=self.uri(path))

    def read(self, path: str, start: int, end: int, remote: Remote) -> Iterator[bytes]:
        headers = {**range_header(start, end, remote), **condition(remote)}
        with answered(), self._client.stream("GET", self.uri(path), headers=headers) as response:
            refuse(response, self.uri(path), MEANINGS)
            require_same(response, remote, self.uri(path))
            require_range(response, start, end, remote, self.uri(path))
            yield from pieces(response, self._piece)


def client(patience: Patience, redirects: bool) -> httpx.Client:
    """One pool of connections for all threads. Proxies and SSL_CERT_FILE of the environment are honoured."""
    return httpx.Client(
        timeout=httpx.Timeout(patience.read, connect=patience.connect, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        follow_redirects=redirects,
        max_redirects=5,
    )


@contextmanager
def answered() -> Iterator[None]:
    """Turns what the transport raises into Transient, or a refusal where no second try could help."""
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise SourceRefused("the source refused", [f"a redirect that cannot be followed: {error}"]) from None
    except httpx.TransportError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise SourceRefused("the source refused", [f"{error.request.url.host}: {UNTRUSTED}"]) from None
        raise Transient(f"{type(error).__name__}: {error}".rstrip(": ")) from None


def pieces(response: httpx.Response, size: int) -> Iterator[bytes]:
    """The body in pieces of at least `size` bytes; what came before a failure is handed over before it is raised."""
    held = bytearray()
    try:
        for block in response.iter_raw():
            held += block
            if len(held) >= size:
                yield bytes(held)
                held.clear()
    except httpx.TransportError:
        yield bytes(held)
        raise
    yield bytes(held)


def refuse(response: httpx.Response, uri: str, meanings: Mapping[int, str]) -> None:
    """Raises what an answer without the bytes means; 200 and 206 pass."""
    status = response.status_code
    if status in (200, 206):
        if response.headers.get("content-encoding", "identity") != "identity":
            raise SourceRefused("the source refused", [f"{uri}: the server compresses it; its bytes cannot be ranged"])
        return
    if status >= 500 or status in PASSING_STATUSES:
        raise Transient(f"{status} {response.reason_phrase}", retry_after(response.headers.get("retry-after")))
    if status in (412, 416):
        raise Changed(f"{uri} is another version now")
    raise SourceRefused("the source refused", [f"{uri}: {status} {meanings.get(status, response.reason_phrase)}"])


def retry_after(value: str | None) -> float | None:
    """Seconds to wait, from the header's number or date; RFC 9110 section 10.2.3."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def remote_of(response: httpx.Response, size: int, ranges: bool, uri: str) -> Remote:
    """The version is the ETag, else the date. Without either there is none."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise SourceRefused("the source refused", [f"{uri}: the server compresses it; its size is not the file's"])
    etag, date = response.headers.get("etag"), response.headers.get("last-modified")
    return Remote(size, f"etag {etag}" if etag else f"date {date}" if date else "", ranges)


def range_header(start: int, end: int, remote: Remote) -> dict[str, str]:
    return {"Range": f"bytes={start}-{end - 1}"} if remote.ranges else {}


def condition(remote: Remote) -> dict[str, str]:
    """The header that makes a server refuse another version; a weak ETag cannot be compared so (RFC 9110, 13.1.1)."""
    kind, _, value = remote.version.partition(" ")
    if kind == "etag" and value.startswith('"'):
        return {"If-Match": value}
    if kind == "date":
        return {"If-Unmodified-Since": value}
    return {}


def require_same(response: httpx.Response, remote: Remote, uri: str) -> None:
    """Raises Changed when the answer names another version than `remote`, for servers that ignore the condition."""
    kind, _, value = remote.version.partition(" ")
    now = response.headers.get("etag" if kind == "etag" else "last-modified")
    if now is not None and kind and now.removeprefix("W/") != value.removeprefix("W/"):
        raise Changed(f"{uri} is another version now")


def require_range(response: httpx.Response, start: int, end: int, remote: Remote, uri: str) -> None:
    """Raises unless the body is exactly [start, end) of a file of the known size."""
    if response.status_code == 206:
        part = CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if not part:
            raise Transient("206 without a readable Content-Range")
        if int(part[3]) != remote.size:
            raise Changed(f"{uri} is {part[3]} bytes now, not {remote.size}")
        if (int(part[1]), int(part[2]) + 1) != (start, end):
            raise Transient(f"asked for bytes {start}-{end - 1}, got {part[1]}-{part[2]}")
        return
    length = response.headers.get("content-length")
    if length is not None and length != str(remote.size):
        raise Changed(f"{uri} is {length} bytes now, not {remote.size}")
    if (start, end) != (0, remote.size):
        raise RangeIgnored(f"{uri}: the server sends only the whole file")
