"""One file under construction: its bytes on disk and its hash; imports only the standard library and ranges."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

from stager.listing import File
from stager.ranges import Ranges
from stager.sources.base import Remote
from stager.volume import FILE_MODE, make_folders, remove

HASH_BLOCK = 2**20  # bytes read back at once; the page cache still has them
HASH_STEP = 4 * 2**20  # bytes that must wait before a thread is worth waking


class Part:
    """One try at one file. Starting over makes a new Part on a new inode, so a late write of the old one lands nowhere.

    `number` tells the tries of a file apart in the journal; `resumed` says that an earlier run wrote some of its bytes.
    """

    def __init__(self, index: int, file: File, remote: Remote, number: int, done: Ranges | None = None) -> None:
        self.index = index
        self.file = file
        self.remote = remote
        self.number = number
        self.resumed = done is not None
        self.dropped = False
        self._done = done or Ranges()
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._sha256 = hashlib.sha256()
        self._hashed = 0
        self._hashing = False

    def open(self, root: Path) -> None:
        """Open the file under `root` for writing, once; a part that does not resume begins on a new inode."""
        with self._lock:
            if self._descriptor is not None:
                return
            path = root / self.file.path
            make_folders(path.parent, root)
            if self.resumed:
                path.chmod(0o600)  # a kill between seal and the journal's line leaves it read-only
            else:
                remove(path)
            flags = os.O_RDWR | os.O_NOFOLLOW | (0 if self.resumed else os.O_CREAT | os.O_EXCL)
            self._descriptor = os.open(path, flags, 0o600)
            os.ftruncate(self._descriptor, self.remote.size)

    def missing(self) -> list[tuple[int, int]]:
        """The byte intervals still to be fetched."""
        return self._done.missing(self.remote.size)

    def done_bytes(self) -> int:
        return self._done.total()

    def write(self, data: bytes, at: int) -> None:
        """All of `data` at that offset. Raises OSError; ENOSPC among them."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._opened(), view, at)
            view, at = view[written:], at + written

    def wrote(self, start: int, end: int) -> bool:
        """Count bytes as there. True when the caller must see to the hashing now: enough is waiting and nobody does."""
        with self._lock:
            self._done.add(start, end)
            return self._claim_hashing()

    def claim_hashing(self) -> bool:
        """True when there is something to hash, or all is, and nobody does it."""
        with self._lock:
            return self._claim_hashing()

    def _claim_hashing(self) -> bool:
        ready = self._done.contiguous_from(self._hashed)
        enough = ready - self._hashed >= HASH_STEP or ready == self.remote.size
        if self._hashing or not enough:
            return False
        self._hashing = True
        return True

    def hash_ready(self) -> str | None:
        """Hash the bytes that are there in a row, reading them back. The hex digest when that was the last of them.

        Only for the caller whom `wrote` or `claim_hashing` told to.
        """
        block = bytearray(HASH_BLOCK)
        while True:
            with self._lock:
                ready = self._done.contiguous_from(self._hashed)
                if ready == self._hashed and ready < self.remote.size:
                    self._hashing = False
                    return None
            if self.dropped:
                return None
            if ready == self._hashed:
                return self._sha256.hexdigest()
            self._hash(block, ready)

    def _hash(self, block: bytearray, end: int) -> None:
        while self._hashed < end and not self.dropped:
            view = memoryview(block)[: min(HASH_BLOCK, end - self._hashed)]
            count = os.preadv(self._opened(), [view], self._hashed)
            if count == 0:
                raise OSError(f"{self.file.path} is shorter on the volume than what was written")
            self._sha256.update(view[:count])
            self._hashed += count

    def seal(self, mtime: int) -> None:
        """Make a verified file durable and read-only. `mtime`, in whole seconds, is what the receipt will hold."""
        descriptor = self._opened()
        os.fchmod(descriptor, FILE_MODE)
        os.utime(descriptor, (mtime, mtime))
        os.fsync(descriptor)
        self.close()

    def close(self) -> None:
        """Only when no thread can be writing: the number of a closed descriptor is given to the next file opened."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        # A dropped part is closed here, when the last thread that still wrote to it has let it go.
        self.close()

    def _opened(self) -> int:
        if self._descriptor is None:
            raise OSError(f"{self.file.path} is not open")
        return self._descriptor
