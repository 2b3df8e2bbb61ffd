"""Who may write into a staging folder: numbered lease files with a heartbeat; imports only the standard library.

flock is not used: on some NFS, Lustre and GPFS mounts it succeeds for everyone (huggingface_hub PR 4306). What is
needed of the file system is O_CREAT|O_EXCL, rename(2) of a folder, and mtimes given by one clock (the server's).

    .staging/<digest>/lease.<n>     made with O_EXCL by the holder of number n; its mtime is the heartbeat
    .staging/<digest>/work.<n>/     what the holder of n writes: the set, and the journal

- Only one process can create lease.<n>. It holds the lease as long as no lease.<n+1> exists.
- lease.<n+1> may be created when the process of lease.<n> is known to be dead (same boot, same PID namespace, no such
  process of that start time), or when its heartbeat is older than the seconds it promised, both times read from the
  volume's own clock. A release dates the heartbeat back by that much.
- Taker: read mtime(n), create n+1, read mtime(n) again and withdraw if it moved. Holder: touch lease.<n>, then look for
  n+1. Whatever the interleaving, at least one of them sees the other, so two cannot both go on.
- A holder that was frozen (SIGSTOP, a hung mount) must beat again before its next write: `check` stands before each.
- Taking over renames work.<n> to work.<n+1>. A former holder's paths are gone from then on: it can neither open, nor
  unlink, nor publish anything. One that was frozen between `check` and its write may still fill in that one piece: of
  the very version and at the very place that the new holder goes on with, since a part of any other begins a new file.
- The arbiter is the rename that publishes: it succeeds once for a digest, whoever believed what.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stager.volume import make_folders, remove

DEFAULT_SECONDS = 30.0  # how long a holder may be silent; a slow fsync can keep a healthy one silent for several
BEATS_IN_A_LEASE = 5
TRUSTED_SHARE = 2 / 3  # of the lease after which a holder no longer trusts its last beat
LEASE_FILE = re.compile(r"lease\.(\d+)")


class LeaseLost(Exception):
    """Another stager has taken over this digest."""


@dataclass(frozen=True)
class Holder:
    """Who has the lease now, for the message of the one who waits."""

    description: str


@dataclass(frozen=True)
class _Seen:
    """A lease file at one moment: its heartbeat in nanoseconds of the volume's clock, and what its holder wrote."""

    mtime_ns: int
    content: dict[str, Any]


class Lease:
    """The right to write below `folder` under one number, kept alive by a thread until it is released."""

    def __init__(self, folder: Path, number: int, seconds: float) -> None:
        self.folder = folder
        self.number = number
        self._seconds = seconds
        self._path = folder / f"lease.{number}"
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._lost = False
        self._trusted_until = time.monotonic() + seconds * TRUSTED_SHARE

    @property
    def work(self) -> Path:
        """The folder that only the holder of this number writes to."""
        return self.folder / f"work.{self.number}"

    def start(self) -> None:
        """Begin the heartbeat."""
        threading.Thread(target=self._keep, name="lease", daemon=True).start()

    def check(self) -> None:
        """Returns while this process surely holds the lease. Raises LeaseLost when another does."""
        if not self._lost and time.monotonic() > self._trusted_until:
            self._beat()
        if self._lost:
            raise LeaseLost(f"lease {self.number} of {self.folder} was taken over")

    def confirm(self) -> None:
        """Looks at the volume now. Raises LeaseLost when another holds the lease."""
        self._beat()
        self.check()

    def release(self) -> None:
        """End the heartbeat, and date it back so that the next one need not wait; a full volume has room for that too.

        A lost lease is left to its new holder.
        """
        self._over.set()
        with self._lock:
            if not self._lost and self._path.exists():
                os.utime(self._path)
                silent_since = self._path.stat().st_mtime - self._seconds - 1
                os.utime(self._path, (silent_since, silent_since))

    def _keep(self) -> None:
        while not self._over.wait(self._seconds / BEATS_IN_A_LEASE):
            try:
                self._beat()
            except OSError:
                continue  # the mount hangs or fails: check() stops the writing once the last beat is too old
            if self._lost:
                return

    def _beat(self) -> None:
        began = time.monotonic()
        with self._lock:
            if self._over.is_set():
                return
            try:
                os.utime(self._path)
            except FileNotFoundError:
                self._lost = True
            self._lost = self._lost or newest(self.folder) > self.number
            self._trusted_until = began + self._seconds * TRUSTED_SHARE


def acquire(folder: Path, volume: Path, seconds: float = DEFAULT_SECONDS) -> Lease | Holder:
    """The lease of a staging folder with its heartbeat running, or who holds it. Never waits."""
    make_folders(folder, volume)
    number = newest(folder)
    before = _look(folder, number)
    if before and not _abandoned(folder, before):
        return _holder(before)
    if not _create(folder, number + 1, seconds):
        return Holder("another stager that has just begun")
    lease = Lease(folder, number + 1, seconds)
    after = _look(folder, number)
    if newest(folder) != lease.number or (before and after and after.mtime_ns != before.mtime_ns):
        lease.release()
        return Holder("another stager that was believed dead and is not")
    _adopt(lease)
    lease.start()
    return lease


def newest(folder: Path) -> int:
    """The highest lease number in a staging folder, 0 when there is none."""
    found = (LEASE_FILE.fullmatch(name) for name in _names(folder))
    return max((int(match[1]) for match in found if match), default=0)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def latest_work(folder: Path) -> Path | None:
    """The work of the last holder, for looking at only."""
    return max(folder.glob("work.*"), key=lambda path: int(path.suffix[1:]), default=None)


def idle_seconds(folder: Path) -> float:
    """Seconds since the last heartbeat below a staging folder, on the volume's clock."""
    seen = _look(folder, newest(folder))
    return (_now_ns(folder) - seen.mtime_ns) / 1e9 if seen else 0.0


def _create(folder: Path, number: int, seconds: float) -> bool:
    try:
        descriptor = os.open(folder / f"lease.{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as stream:
        json.dump({**_me(), "seconds": seconds}, stream)
    return True


def _look(folder: Path, number: int) -> _Seen | None:
    """A lease file now. It is opened first, since NFS refreshes its cached attributes at an open."""
    try:
        with (folder / f"lease.{number}").open("rb") as stream:
            mtime_ns = os.fstat(stream.fileno()).st_mtime_ns
            content = json.loads(stream.read())
    except FileNotFoundError:
        return None
    except ValueError:  # made a moment ago, not filled yet
        content = {}
    return _Seen(mtime_ns, content if isinstance(content, dict) else {})


def _abandoned(folder: Path, seen: _Seen) -> bool:
    if _is_dead(seen.content):
        return True
    silent = (_now_ns(folder) - seen.mtime_ns) / 1e9
    return silent > float(seen.content.get("seconds", DEFAULT_SECONDS))


def _adopt(lease: Lease) -> None:
    """Move the last holder's work under the new number and clear away what no number leads to."""
    works = sorted(lease.folder.glob("work.*"), key=lambda path: int(path.suffix[1:]))
    if works:
        works.pop().rename(lease.work)
    else:
        make_folders(lease.work, lease.folder)
    for leftover in works:
        remove(leftover)
    for name in _names(lease.folder):
        match = LEASE_FILE.match(name)
        if match and int(match[1]) < lease.number:
            remove(lease.folder / name)


def _now_ns(folder: Path) -> int:
    """The volume's clock: the mtime that a file made now gets. It makes the skew between machines irrelevant."""
    probe = folder / f"clock.{uuid.uuid4().hex}"
    probe.touch()
    try:
        return probe.stat().st_mtime_ns
    finally:
        remove(probe)


def _holder(seen: _Seen) -> Holder:
    content = seen.content
    return Holder(f"process {content.get('pid', '?')} on {content.get('host', '?')}")


def _me() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "start": _start_of(pid), **_where()}


def _where() -> dict[str, str]:
    """The boot and the PID namespace: process numbers can be compared only within both."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return {"boot": boot, "namespace": str(Path("/proc/self/ns/pid").readlink())}
    except OSError:
        return {"boot": uuid.uuid4().hex, "namespace": ""}


def _start_of(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when there is none or it is a zombie. proc(5), stat."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _is_dead(content: dict[str, Any]) -> bool:
    """True only where the holder's process number means something here and no process has it since then."""
    here = _where()
    if any(content.get(key) != value for key, value in here.items()):
        return False
    return _start_of(int(content.get("pid", 0))) != content.get("start")
