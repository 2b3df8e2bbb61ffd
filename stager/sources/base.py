"""What a source is: the Protocol, and the three ways an answer is not the bytes; imports only the standard library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Remote:
    """A file as the source describes it: `size` in bytes; `version` differs whenever its bytes may.

    An empty version says that the source tells none: such a file is fetched in one run or begun again.
    `ranges` is False where the source can only send it whole. `sha256` (hex) is the source's own word where it has one.
    """

    size: int
    version: str
    ranges: bool = True
    sha256: str | None = None


class Transient(Exception):
    """It may work later: network, 5xx, 429. `retry_after` in seconds where the source asked for a wait."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Changed(Exception):
    """The bytes at the source are no longer those that Remote described."""


class RangeIgnored(Exception):
    """The source answered a part with the whole: it can only be read from the start."""


class Source(Protocol):
    """One place to read a set from. Its methods are called from several threads."""

    def uri(self, path: str) -> str:
        """The address of a file, for messages and the receipt."""

    def stat(self, path: str) -> Remote:
        """Size and version. Raises SourceRefused or Transient."""

    def read(self, path: str, start: int, end: int, remote: Remote) -> Iterator[bytes]:
        """The bytes [start, end) of exactly that version, in pieces; all of the file where `remote.ranges` is False.

        Raises SourceRefused, Transient, Changed, RangeIgnored.
        """
