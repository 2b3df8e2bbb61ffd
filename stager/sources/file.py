"""A folder on a mounted volume (the NFS share); imports only the standard library."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stager import listing
from stager.errors import SourceRefused
from stager.sources.base import Changed, Remote, Transient

# What a share answers while its server restarts or its handle went stale; all else will be the same next time.
PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR}


class FileSource:
    """Files below one folder. A link may point anywhere inside it and nowhere else."""

    def __init__(self, where: listing.Source, piece: int) -> None:
        self._root = Path(os.path.realpath(unquote(urlsplit(where.uri).path)))
        self._piece = piece
        if not self._root.is_dir():
            raise SourceRefused("the source refused", [f"{where.uri}: no such folder here: is the share mounted?"])

    def uri(self, path: str) -> str:
        return (self._root / path).as_uri()

    def stat(self, path: str) -> Remote:
        with self._open(path) as descriptor:
            return _remote(os.fstat(descriptor.number))

    def read(self, path: str, start: int, end: int, remote: Remote) -> Iterator[bytes]:
        with self._open(path) as descriptor:
            while start < end:
                if _remote(os.fstat(descriptor.number)) != remote:
                    raise Changed(f"{self.uri(path)} was written to")
                try:
                    piece = os.pread(descriptor.number, min(self._piece, end - start), start)
                except OSError as error:
                    raise self._judged(path, error) from None
                if not piece:
                    raise Changed(f"{self.uri(path)} became shorter")
                start += len(piece)
                yield piece

    def _open(self, path: str) -> _Descriptor:
        real = Path(os.path.realpath(self._root / path))
        if not real.is_relative_to(self._root):
            raise SourceRefused("the source refused", [f"{self.uri(path)}: a link that leaves {self._root}"])
        try:
            # O_NOFOLLOW: the last component was resolved above, so a link there now has been put there since.
            number = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise self._judged(path, error) from None
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise SourceRefused("the source refused", [f"{self.uri(path)}: not a regular file"])
        return _Descriptor(number)

    def _judged(self, path: str, error: OSError) -> Exception:
        if error.errno in PASSING:
            return Transient(f"{error.strerror}")
        return SourceRefused("the source refused", [f"{self.uri(path)}: {error.strerror}"])


class _Descriptor:
    """A file descriptor that closes at the end of a with block."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> _Descriptor:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.number)


def _remote(state: os.stat_result) -> Remote:
    return Remote(state.st_size, f"inode {state.st_ino} mtime {state.st_mtime_ns}")
