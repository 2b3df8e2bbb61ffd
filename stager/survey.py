"""What the source has, what the volume has, and what is therefore to be fetched; imports the stager's modules."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stager.errors import NoSpace, SourceRefused, StagerError, VerificationFailed
from stager.journal import Record, load
from stager.listing import File, Listing
from stager.part import Part
from stager.ranges import Ranges
from stager.report import amount
from stager.retry import Patience, persist
from stager.sources.base import Remote, Source
from stager.transfer import identity_of
from stager.volume import Volume

SIZE_TOLERANCE = 0.10  # a declared size may be rounded (4.7Gi); docs/architecture.md
MARGIN = 2**20  # bytes for the receipt, the journal and the folders
BLOCK = 512  # bytes in one unit of st_blocks, stat(2)


@dataclass(frozen=True)
class Work:
    """What a staging has on the volume: the folder of the set under construction, and the journal's records."""

    root: Path
    records: Mapping[int, Record]

    @classmethod
    def at(cls, folder: Path) -> Work:
        return cls(folder / "set", load(folder / "journal"))

    def sealed(self, index: int, file: File) -> bool:
        """Whether an earlier run verified this file and it still lies there."""
        record = self.records.get(index)
        return bool(record and record.verified and _size(self.root / file.path) == record.size)

    def allocated(self, file: File) -> int:
        """Bytes of the volume that the file occupies already."""
        path = self.root / file.path
        return path.lstat().st_blocks * BLOCK if path.exists() else 0


@dataclass(frozen=True)
class Survey:
    """What is to be done: `parts` to fetch, `total` bytes of the whole set, `needed` bytes of free space."""

    parts: Sequence[Part]
    sealed: int
    total: int
    needed: int


def look(
    listing: Listing, source: Source, work: Work, parallel: int, patience: Patience, stop: threading.Event
) -> Survey:
    """Ask the source about every file that is not sealed yet. All refusals come together, then all wrong sizes.

    Raises SourceRefused, SourceUnavailable, VerificationFailed.
    """
    pending = {i: file for i, file in enumerate(listing.files) if not work.sealed(i, file)}
    remotes = _ask(pending, source, parallel, patience, stop)
    _require_plausible(pending, remotes)
    parts = [_part(i, file, remotes[i], work, source) for i, file in pending.items()]
    done = sum(work.records[i].size for i in range(len(listing.files)) if i not in pending)
    needed = sum(max(0, remotes[i].size - work.allocated(file)) for i, file in pending.items())
    return Survey(parts, len(listing.files) - len(pending), done + sum(r.size for r in remotes.values()), needed)


def require_space(volume: Volume, needed: int) -> None:
    """Raises NoSpace when what is still to be written does not fit."""
    free = volume.free()
    if needed and needed + MARGIN > free:
        problem = f"{volume.root} has {amount(free)} free, {amount(needed + MARGIN)} are needed"
        raise NoSpace("no space on the volume", [problem], "nothing was fetched")


def _ask(
    pending: Mapping[int, File], source: Source, parallel: int, patience: Patience, stop: threading.Event
) -> dict[int, Remote]:
    def ask(item: tuple[int, File]) -> tuple[int, Remote | StagerError]:
        index, file = item
        try:
            return index, persist(lambda: source.stat(file.path), source.uri(file.path), patience, stop)
        except StagerError as error:
            if not isinstance(error, SourceRefused):
                stop.set()  # the others need not wait through their tries as well
            return index, error

    pool = ThreadPoolExecutor(parallel, "stat")
    try:
        answers = list(pool.map(ask, pending.items()))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    failures = [answer for _, answer in answers if isinstance(answer, StagerError)]
    refusals = [failure for failure in failures if isinstance(failure, SourceRefused)]
    if refusals:
        raise SourceRefused(refusals[0].headline, [problem for error in refusals for problem in error.problems])
    if failures:
        raise max(failures, key=lambda failure: "tries" in str(failure.problems))
    return {index: answer for index, answer in answers if isinstance(answer, Remote)}


def _require_plausible(pending: Mapping[int, File], remotes: Mapping[int, Remote]) -> None:
    problems = []
    for index, file in pending.items():
        remote = remotes[index]
        if abs(remote.size - file.size) > SIZE_TOLERANCE * file.size:
            problems.append(f"{file.path}: expected about {file.size} bytes, got {remote.size} at the source")
        elif remote.sha256 not in (None, file.sha256):
            problems.append(f"{file.path}: expected sha256 {file.sha256}, got {remote.sha256} by the source's own word")
    if problems:
        raise VerificationFailed("verification failed", problems, "nothing was fetched")


def _part(index: int, file: File, remote: Remote, work: Work, source: Source) -> Part:
    """A part that goes on where an earlier run stopped, if the source still has the very version that one read."""
    record = work.records.get(index)
    number = record.number + 1 if record else 1
    same = record and record.identity == identity_of(source, file.path, remote) and record.size == remote.size
    if (
        record
        and same
        and remote.version
        and remote.ranges
        and record.done.total()
        and _size(work.root / file.path) == record.size
    ):
        return Part(index, file, remote, record.number, Ranges(record.done.intervals()))
    return Part(index, file, remote, number)


def _size(path: Path) -> int:
    """The size of a regular file in bytes, -1 when there is none."""
    return path.lstat().st_size if path.is_file() and not path.is_symlink() else -1
