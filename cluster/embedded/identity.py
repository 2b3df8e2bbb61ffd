"""Which process is ours: a pid is reused, a pid with its start time and boot is not. Imports the standard library only."""

from __future__ import annotations

import json
import os
import signal
import time
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
        """The living process of that number, or None. A zombie is dead: it only waits for its parent to look."""
        state = _stat(pid)
        if state is None or state[0] in "ZX":
            return None
        return cls(pid, int(state[19]), _BOOT.read_text().strip())

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
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal unless it is gone. A pidfd is held across the check, so that no other process can be hit."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)

    def wait(self, seconds: float) -> bool:
        """Whether it is gone within that time."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the third on; the second, the name, may hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
