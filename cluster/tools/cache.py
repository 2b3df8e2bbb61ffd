"""Folders that are complete or not there: keys, locks, the one rename that publishes. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.tools import places
from cluster.tools.progress import Progress, Step

RECORD = ".built.json"
_LOCK_POLL = 0.2  # seconds


def fingerprint(parts: Mapping[str, bytes]) -> str:
    """sha256 (hex) over named parts; names and lengths are part of it, so that no two sets run together."""
    total = hashlib.sha256()
    for name, content in sorted(parts.items()):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


@dataclass(frozen=True)
class Key:
    """What a folder of the cache is named by: `<name>-<version>-<first 8 hex of its recipe>`."""

    name: str
    version: str
    recipe: str

    def __str__(self) -> str:
        return f"{self.name}-{self.version}-{self.recipe[:8]}"

    @property
    def folder(self) -> Path:
        return places.tools() / str(self)

    @property
    def log(self) -> Path:
        return places.logs() / f"{self.name}-{self.version}.log"


def complete(folder: Path, outputs: Iterable[str]) -> bool:
    """Whether the folder was published, and nothing of it was lost since."""
    return (folder / RECORD).is_file() and all((folder / output).exists() for output in outputs)


def record(folder: Path) -> dict[str, Any]:
    """What was noted when the folder was built: `seconds`, `sources`. Empty where there is none."""
    try:
        return dict(json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError):
        return {}


@contextmanager
def lock(name: str, title: str, progress: Progress) -> Iterator[None]:
    """Hold the machine-wide lock of one name; says what it waits for. The kernel frees it if this process dies."""
    with (places.made(places.tools()) / f".{name}.lock").open("w") as handle:
        _acquire(handle.fileno(), title, progress)
        yield  # closing the file frees the lock; the file stays, since removing it would let two hold "the" lock


def _acquire(descriptor: int, title: str, progress: Progress) -> None:
    if _try_lock(descriptor):
        return
    with progress.step(title, f"waiting for another build of {title}") as step:
        while not _try_lock(descriptor):
            step.tick("still waiting for the other build")
            time.sleep(_LOCK_POLL)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class Workspace:
    """Two private folders: `out` is published, `work` is thrown away."""

    out: Path
    work: Path


@contextmanager
def building(key: Key, sources: str, step: Step) -> Iterator[Workspace]:
    """A workspace whose `out` becomes the key's folder in one rename; nothing is left if the body fails.

    The caller holds the key's lock: what an earlier, killed build left is swept away first.
    """
    _sweep(key)
    temporary = Path(tempfile.mkdtemp(prefix=f".{key}.tmp-", dir=places.made(places.tools())))
    try:
        space = Workspace(temporary / "out", temporary / "work")
        space.out.mkdir()
        space.work.mkdir()
        yield space
        _note(space.out, {"seconds": round(step.elapsed, 1), "sources": sources})
        _publish(space.out, key.folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sweep(key: Key) -> None:
    for stale in places.tools().glob(f".{key}.tmp-*"):
        shutil.rmtree(stale, ignore_errors=True)


def _note(out: Path, facts: Mapping[str, Any]) -> None:
    (out / RECORD).write_text(json.dumps(facts) + "\n")


def _publish(out: Path, folder: Path) -> None:
    """Contents reach the disk before the name does: a power cut cannot leave an empty file under a good name."""
    for file in out.rglob("*"):
        if file.is_file() and not file.is_symlink():
            sync(file)
    if folder.exists():  # incomplete: someone removed a file of it
        shutil.rmtree(folder)
    out.rename(folder)
    sync(folder.parent)


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
