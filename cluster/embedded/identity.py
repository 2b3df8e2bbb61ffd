"""Which process is ours: a pid is reused, a pid with its start time and boot is not. Imports files."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.embedded import files

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process as the host sees it; `started` in clock ticks since the boot that `boot` names."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process of that number, or None where there is none."""
        try:
            # The second field, the name, may hold spaces and brackets: count from behind it.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return cls(pid, int(fields[19]), _BOOT.read_text().strip())

    @classmethod
    def read(cls, path: Path) -> Process | None:
        """What `write` wrote, or None where nothing readable is."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        files.write(path, json.dumps(asdict(self)) + "\n")

    def alive(self) -> bool:
        """Whether it runs still. A zombie does not; a process whose first thread ended before the others does."""
        with self._handle() as handle:
            return handle is not None and not _ended(handle, 0)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal unless it is gone."""
        with self._handle() as handle, contextlib.suppress(ProcessLookupError):
            if handle is not None:
                signal.pidfd_send_signal(handle, number)

    def wait(self, seconds: float) -> bool:
        """Whether it is gone within that time, and, if it is PID 1 of a namespace, every process in that with it."""
        with self._handle() as handle:
            return handle is None or _ended(handle, seconds)

    @contextlib.contextmanager
    def _handle(self) -> Iterator[int | None]:
        """A pidfd, None when it is gone. Held while in use, so that the number cannot come to mean another process."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield handle if Process.of(self.pid) == self else None
        finally:
            os.close(handle)


def _ended(handle: int, seconds: float) -> bool:
    """Whether the process behind a pidfd ends within that time: all of its threads, not just the first."""
    readable, _, _ = select.select([handle], [], [], seconds)
    return bool(readable)
