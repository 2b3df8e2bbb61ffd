"""Starts a program's or a pack's process and passes on what it writes. Imports the standard library only."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

STDOUT, STDERR = "stdout", "stderr"
_KILL_AFTER_SECONDS = 3.0


@dataclass
class Children:
    """The processes that run now, so that all of them can be ended when the host ends."""

    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(
        self, command: Sequence[str], directory: Path, environment: Mapping[str, str], captured: bool
    ) -> subprocess.Popen[bytes]:
        """Start `command` in `directory`; its output is this process's own unless `captured`. Raises OSError."""
        pipe = subprocess.PIPE if captured else None
        child = subprocess.Popen(
            list(command), cwd=directory, env=dict(environment), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        with self._lock:
            self._running.add(child)
        return child

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """The exit status, negative for a signal."""
        status = child.wait()
        with self._lock:
            self._running.discard(child)
        return status

    def stop(self) -> None:
        """End every child: politely, then by force."""
        with self._lock:
            running = list(self._running)
        for child in running:
            end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL if it still runs after a few seconds."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        child.wait(timeout=_KILL_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


def output(child: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What a captured child writes, as it comes: (`stdout` or `stderr`, bytes). Ends when it has closed both."""
    chunks: queue.Queue[tuple[str, bytes]] = queue.Queue()
    streams = {STDOUT: child.stdout, STDERR: child.stderr}
    for name, stream in streams.items():
        if stream is not None:
            threading.Thread(target=_pump, args=(name, stream, chunks), daemon=True).start()
    still_open = len(streams)
    while still_open:
        name, chunk = chunks.get()
        if chunk:
            yield name, chunk
        else:
            still_open -= 1


def _pump(name: str, stream: IO[bytes], chunks: queue.Queue[tuple[str, bytes]]) -> None:
    with stream:
        for line in iter(stream.readline, b""):
            chunks.put((name, line))
    chunks.put((name, b""))
