"""The journal of one staging: which bytes of which version are on disk; imports only the standard library.

It is appended to after each write of data, without fsync: SIGKILL takes nothing out of the page cache, so after a kill
both data and journal are there, and the next run goes on at the very byte. A crash of the machine can lose data that
the journal claims. The sha256 of the whole file finds that out, and the file is then fetched again from its start.
Only "verified" may be believed after a crash too: it is written after the file's fsync.

A line is a JSON array; one that cannot be read (cut by the kill, zeroed by a crash) is passed over:

    ["file", index, number, size, identity]     a part was begun; a higher number replaces the file's earlier part
    ["wrote", index, number, start, end]        these bytes of that part are on disk
    ["verified", index, number]                 complete, its sha256 was right, fsynced
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stager.ranges import Ranges


@dataclass
class Record:
    """One file's part: its number, the size and identity of the version it was begun from, and how far it came."""

    number: int
    size: int
    identity: str
    done: Ranges = field(default_factory=Ranges)
    verified: bool = False


def load(path: Path) -> dict[int, Record]:
    """What a journal says, by the file's index in the sorted listing; empty when there is none."""
    records: dict[int, Record] = {}
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return records
    for line in raw.split(b"\n"):
        try:
            _apply(records, *json.loads(line))
        except (ValueError, TypeError, KeyError):
            continue
    return records


def _apply(records: dict[int, Record], kind: str, index: int, number: int, *rest: Any) -> None:
    if kind == "file" and (index not in records or number > records[index].number):
        size, identity = rest
        records[index] = Record(number, int(size), str(identity))
    record = records[index]
    if record.number != number:
        return
    if kind == "wrote":
        record.done.add(int(rest[0]), int(rest[1]))
    record.verified = record.verified or kind == "verified"


class Journal:
    """Appends lines; one write(2) each, so that threads need no lock and a kill cuts at most the last."""

    def __init__(self, path: Path, records: dict[int, Record]) -> None:
        """Begins with `records` in short form, in a new file that replaces the old by one rename."""
        fresh = path.with_suffix(".new")
        fresh.write_bytes(b"".join(_lines(records)))
        fresh.rename(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def begun(self, index: int, number: int, size: int, identity: str) -> None:
        self._append(_line("file", index, number, size, identity))

    def wrote(self, index: int, number: int, start: int, end: int) -> None:
        self._append(_line("wrote", index, number, start, end))

    def verified(self, index: int, number: int) -> None:
        self._append(_line("verified", index, number))

    def _append(self, line: bytes) -> None:
        os.write(self._descriptor, line)

    def close(self) -> None:
        os.close(self._descriptor)


def _line(*values: str | int) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _lines(records: dict[int, Record]) -> list[bytes]:
    lines = []
    for index, record in records.items():
        lines.append(_line("file", index, record.number, record.size, record.identity))
        lines += [_line("wrote", index, record.number, *interval) for interval in record.done.intervals()]
        lines += [_line("verified", index, record.number)] if record.verified else []
    return lines
