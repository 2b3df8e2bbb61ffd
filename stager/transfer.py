"""Fetches the parts of a set in parallel, hashes them as they grow, and seals those that are right.

Imports the stager's own modules and the standard library. Threads: `parallel` workers that each fetch one chunk at a
time, and a few that hash; hashlib and the transports release the interpreter's lock, so they run beside each other.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stager.errors import SourceUnavailable, VerificationFailed
from stager.journal import Journal
from stager.part import Part
from stager.retry import Patience, Persistence, persist
from stager.sources.base import Changed, RangeIgnored, Remote, Source, Transient
from stager.volume import remove
from stager.window import Window

MOST_RESTARTS = 3  # of one file in one run; a source that changes more often than that is not settled
SECONDS_TO_STOP = 2.0


class Stopped(Exception):
    """The run is over for another reason; this thread has nothing to add."""


@dataclass(frozen=True)
class Chunk:
    """Bytes [start, end) of one part: what is lacking, or what one request asks for."""

    part: Part
    start: int
    end: int


@dataclass(frozen=True)
class Mismatch:
    """A file whose bytes are not those that the listing promises."""

    part: Part
    got: str

    def __str__(self) -> str:
        file = self.part.file
        return f"{file.path}: expected sha256 {file.sha256}, got {self.got} ({self.part.remote.size} bytes)"


class Transfer:
    """Brings parts to completion. One object for one run; `run` is called once."""

    def __init__(
        self,
        parts: Sequence[Part],
        source: Source,
        root: Path,
        journal: Journal,
        window: Window,
        patience: Patience,
        allowed: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """`allowed` raises when this process may not write any more; it is called before each write."""
        self._source, self._root, self._journal, self._window = source, root, journal, window
        self._patience, self._allowed, self._stop = patience, allowed, stop
        self._state = threading.Condition()
        self._queue: deque[Chunk] = deque()
        self._unfinished = len(parts)
        self._restarts: dict[int, int] = {}
        self._failure: BaseException | None = None
        self._mismatches: list[Mismatch] = []
        self._hashers = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "hash")
        self._parts = list(parts)
        self.fetched = 0
        self.complete_bytes = sum(part.done_bytes() for part in parts)

    def run(self, parallel: int, watch: Callable[[], None], every: float) -> None:
        """Fetch and verify all; `watch` is called every so many seconds.

        Raises VerificationFailed naming every bad file once the others are done, or the first other failure at once.
        """
        workers = [threading.Thread(target=self._work, name=f"fetch-{n}", daemon=True) for n in range(parallel)]
        try:
            for part in self._parts:
                self._enqueue(part)
            for worker in workers:
                worker.start()
            self._wait(watch, every)
        finally:
            self._end(workers)
        if self._failure:
            raise self._failure
        if self._mismatches:
            problems = sorted(str(mismatch) for mismatch in self._mismatches)
            raise VerificationFailed("verification failed", problems)

    def _wait(self, watch: Callable[[], None], every: float) -> None:
        while True:
            with self._state:
                if self._state.wait_for(lambda: self._unfinished == 0 or self._failure, timeout=every):
                    return
            watch()

    def _end(self, workers: list[threading.Thread]) -> None:
        self._stop.set()
        with self._state:
            self._state.notify_all()
        self._hashers.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + SECONDS_TO_STOP
        for worker in workers:
            if worker.ident is not None:
                worker.join(max(0.0, deadline - time.monotonic()))

    # --- the queue -------------------------------------------------------------------------------------------------

    def _enqueue(self, part: Part) -> None:
        """Queue what a part lacks; a part that lacks nothing goes to be hashed."""
        lacking = [Chunk(part, start, end) for start, end in part.missing()]
        with self._state:
            self._queue.extend(lacking)
            self._state.notify_all()
        if not lacking:
            part.open(self._root)
            self._see_to_hashing(part, part.claim_hashing())

    def _next(self) -> Chunk | None:
        with self._state:
            while not self._stop.is_set() and self._unfinished:
                while self._queue:
                    lacking = self._queue.popleft()
                    if not lacking.part.dropped:
                        return self._cut(lacking)
                self._state.wait()
        return None

    def _cut(self, lacking: Chunk) -> Chunk:
        """The beginning of what is lacking, as long as a request is now; the rest goes back to the queue's head."""
        part, start, end = lacking.part, lacking.start, lacking.end
        middle = min(end, start + self._window.chunk) if part.remote.ranges else end
        if middle < end:
            self._queue.appendleft(Chunk(part, middle, end))
        return Chunk(part, start, middle)

    def _fail(self, failure: BaseException) -> None:
        with self._state:
            self._failure = self._failure or failure
            self._stop.set()
            self._state.notify_all()

    # --- a worker --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while chunk := self._next():
            try:
                self._fetch(chunk)
            except Stopped:
                continue
            except (Changed, RangeIgnored) as error:
                self._guarded(partial(self._begin_again, chunk.part, error))
            except BaseException as error:
                self._fail(error)

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as error:
            self._fail(error)

    def _fetch(self, chunk: Chunk) -> None:
        """One chunk to its end, going on at the byte reached after each passing failure."""
        chunk.part.open(self._root)
        persistence = Persistence(self._patience, self._stop)
        at = chunk.start
        while at < chunk.end:
            reached, failure = self._stream(chunk, at)
            if reached > at and chunk.part.remote.ranges:
                persistence.progressed()
            at = self._kept(chunk, reached)
            if failure:
                persistence.failed(self._source.uri(chunk.part.file.path), failure)

    def _kept(self, chunk: Chunk, reached: int) -> int:
        """Where the next request begins. A file that comes only whole counts when it is there, not before."""
        part = chunk.part
        if part.remote.ranges:
            return reached
        if reached < chunk.end:
            self._count(-(reached - chunk.start))
            return chunk.start
        self._see_to_hashing(part, part.wrote(chunk.start, chunk.end))
        return reached

    def _stream(self, chunk: Chunk, at: int) -> tuple[int, Transient | None]:
        """One request from `at` on: where it came to, and what ended it early."""
        part, held = chunk.part, chunk.end - at
        self._window.take(held)
        try:
            self._require_going(part)
            for piece in self._source.read(part.file.path, at, chunk.end, part.remote):
                piece = piece[: chunk.end - at]
                if not piece:
                    continue
                self._write(part, piece, at)
                at += len(piece)
                self._window.wrote(len(piece))
                held -= len(piece)
            return at, (Transient("the answer ended early") if at < chunk.end else None)
        except Transient as failure:
            return at, failure
        finally:
            self._window.give_up(held)

    def _write(self, part: Part, piece: bytes, at: int) -> None:
        self._require_going(part)
        self._allowed()
        part.write(piece, at)
        self._count(len(piece), fetched=len(piece))
        if part.remote.ranges:
            self._journal.wrote(part.index, part.number, at, at + len(piece))
            self._see_to_hashing(part, part.wrote(at, at + len(piece)))

    def _require_going(self, part: Part) -> None:
        if self._stop.is_set() or part.dropped:
            raise Stopped

    def _count(self, complete: int, fetched: int = 0) -> None:
        with self._state:
            self.complete_bytes += complete
            self.fetched += fetched

    # --- starting over ---------------------------------------------------------------------------------------------

    def _begin_again(self, part: Part, reason: Exception) -> None:
        """Drop a part whose source changed, or sends no ranges, and fetch the file anew: never a mix of versions."""
        if not self._drop(part):
            return
        path = part.file.path
        self._restarts[part.index] = self._restarts.get(part.index, 0) + 1
        if self._restarts[part.index] > MOST_RESTARTS:
            raise SourceUnavailable("the source failed for now", [f"{path} keeps changing while it is read: {reason}"])
        remote = persist(lambda: self._source.stat(path), self._source.uri(path), self._patience, self._stop)
        if isinstance(reason, RangeIgnored):
            remote = Remote(remote.size, remote.version, ranges=False, sha256=remote.sha256)
        self._replace(part, remote)

    def _drop(self, part: Part) -> bool:
        """Whether this thread is the one that drops the part."""
        with self._state:
            if part.dropped:
                return False
            part.dropped = True
            self.complete_bytes -= part.done_bytes()
            return True

    def _replace(self, part: Part, remote: Remote) -> None:
        fresh = Part(part.index, part.file, remote, part.number + 1)
        self._allowed()
        identity = identity_of(self._source, part.file.path, remote)
        self._journal.begun(fresh.index, fresh.number, remote.size, identity)
        self._enqueue(fresh)

    # --- hashing ---------------------------------------------------------------------------------------------------

    def _see_to_hashing(self, part: Part, due: bool) -> None:
        if not due:
            return
        try:
            self._hashers.submit(self._guarded, partial(self._hash, part))
        except RuntimeError:  # the run is ending: the pool takes nothing more
            raise Stopped from None

    def _hash(self, part: Part) -> None:
        got = part.hash_ready()
        if got is None or self._stop.is_set():
            return
        if got == part.file.sha256:
            self._allowed()
            part.seal(int(time.time()))
            self._journal.verified(part.index, part.number)
            self._finished()
        elif part.resumed:
            # Written by an earlier run, perhaps before a crash of the machine: the source has a right to a second word.
            if self._drop(part):
                self._replace(part, part.remote)
        else:
            self._bad(part, got)

    def _bad(self, part: Part, got: str) -> None:
        self._allowed()
        part.close()
        remove(self._root / part.file.path)
        self._journal.begun(part.index, part.number + 1, part.remote.size, "dropped")
        with self._state:
            self._mismatches.append(Mismatch(part, got))
        self._finished()

    def _finished(self) -> None:
        with self._state:
            self._unfinished -= 1
            self._state.notify_all()


def identity_of(source: Source, path: str, remote: Remote) -> str:
    """What must be equal for bytes of an earlier run to be kept: the address and the version there."""
    return f"{source.uri(path)} {remote.version}"
