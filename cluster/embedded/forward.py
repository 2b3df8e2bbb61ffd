"""Carries connections from listeners opened on the host to addresses inside the cluster. Standard library only.

    python -m cluster.embedded.forward 10=10.99.0.1:6443 11=10.99.0.1:8080

Each argument is an inherited descriptor of a listening socket and the address that it leads to.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Sequence

_CHUNK = 256 * 1024
_CONNECT_TIMEOUT = 10.0  # seconds
_BACKLOG = 1024


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way as they come; the end of one direction closes that direction only."""
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def carry(client: tuple[asyncio.StreamReader, asyncio.StreamWriter], target: tuple[str, int]) -> None:
    """Join one accepted connection with a new one to `target`, until both directions ended or one broke."""
    try:
        inner = await asyncio.wait_for(asyncio.open_connection(*target), _CONNECT_TIMEOUT)
    except OSError:
        reset(client[1])
        return
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(pump(client[0], inner[1]))
            both.create_task(pump(inner[0], client[1]))
    except* OSError:
        reset(inner[1])
        reset(client[1])
    finally:
        for _, writer in (client, inner):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a broken connection, never a complete answer."""
    with contextlib.suppress(OSError):  # closed already; the other one of the two must still be reset
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# The loop knows a connection by what it may read of it, and a task not at all: one whose client has said all that it
# will say would be collected while it carries the answer.
_carried: set[asyncio.Task[None]] = set()


async def serve(listener: socket.socket, target: tuple[str, int]) -> None:
    """Serve one listener for ever."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        _carried.add(task)
        task.add_done_callback(_carried.discard)
        await carry((reader, writer), target)

    server = await asyncio.start_server(accepted, sock=listener, limit=_CHUNK, backlog=_BACKLOG)
    async with server:
        await server.serve_forever()


def parse(argument: str) -> tuple[int, tuple[str, int]]:
    """`10=10.99.0.1:6443` -> (10, ("10.99.0.1", 6443))."""
    descriptor, _, address = argument.partition("=")
    host, _, port = address.rpartition(":")
    return int(descriptor), (host, int(port))


async def main(arguments: Sequence[str]) -> None:
    async with asyncio.TaskGroup() as doors:
        for descriptor, target in map(parse, arguments):
            doors.create_task(serve(socket.socket(fileno=descriptor), target))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
