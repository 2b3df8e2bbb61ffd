"""One streamed completion over a connection of its own, of a stand-in or llama-server. Standard library only."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass

# Beside `prompt_ms` only a stand-in says how long a request was queued.
_TIMINGS = re.compile(rb'"timings":\s*(\{[^}]*\})')
_TOKEN = b"data: "


class Lost(Exception):
    """A request that was not answered whole: what came instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Moments are of the machine's monotonic clock, in seconds; the rest is what the engine says, in its own seconds.

    `queued` is None where the engine does not say it.
    """

    first: float
    end: float
    prompt: float
    queued: float | None


async def ask(host: str, port: int, body: bytes) -> Answer:
    """POST /v1/completions and read the stream to its end. Raises Lost."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        raise Lost(f"no connection: {error.strerror or error}") from error
    try:
        writer.write(_head(host, len(body)) + body)
        return await _answer(reader)
    except ConnectionError as error:
        raise Lost(f"connection broken: {error}") from error
    finally:
        writer.close()


def _head(host: str, length: int) -> bytes:
    return (
        f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    read, first = bytearray(), None
    while part := await reader.read(65536):
        read += part
        if first is None and _TOKEN in read:
            first = time.monotonic()
    end = time.monotonic()
    found = _TIMINGS.findall(bytes(read))
    if first is None or not found:
        raise Lost(f"answered {bytes(read[:120])!r}")
    said = json.loads(found[-1])
    queued = said.get("queue_ms")
    return Answer(first, end, said["prompt_ms"] / 1000, None if queued is None else queued / 1000)
