"""Reads the corpus of broken stacks: corpus.txt, patches against base.yaml. Imports the standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BASE_FILE = HERE / "base.yaml"
BASE = BASE_FILE.read_text().splitlines()
FIRST, LAST = "«", "»"
_HEAD = re.compile(r"(?P<code>SB[0-9]{4})(?: \+(?P<others>[0-9]+))?(?: (?P<said>.*))?")


@dataclass(frozen=True)
class Broken:
    """One broken stack: its lines with the marks, the code that must be found, and what must be said."""

    name: str
    code: str
    others: int
    said: str
    marked: tuple[str, ...]

    def text(self) -> str:
        """The stack as a file, without the marks."""
        return "\n".join(self.marked).replace(FIRST, "").replace(LAST, "") + "\n"

    def spot(self) -> tuple[int, int, int]:
        """Line, column and width, from 1, of what must be marked."""
        (number, line), *more = [(n, line) for n, line in enumerate(self.marked, start=1) if FIRST in line]
        assert not more, f"{self.name}: marked twice"
        return number, line.index(FIRST) + 1, line.index(LAST) - line.index(FIRST) - 1


def corpus() -> list[Broken]:
    """Every case, in the file's order."""
    blocks = re.split(r"^### ", (HERE / "corpus.txt").read_text(), flags=re.MULTILINE)[1:]
    return [_case(block.splitlines()) for block in blocks]


def _case(lines: list[str]) -> Broken:
    name, head, *patch = lines
    found = _HEAD.fullmatch(head)
    assert found, f"{name}: {head!r} is no code"
    return Broken(name, found["code"], int(found["others"] or 0), found["said"] or "", tuple(_patched(name, patch)))


def _patched(name: str, patch: list[str]) -> list[str]:
    """The base with every hunk applied; each hunk's old lines stand in it just once."""
    lines = list(BASE)
    for hunk in list(_hunks(patch)):
        old = [line[1:] for line in hunk if line[:1] in (" ", "-")]
        new = [line[1:] for line in hunk if line[:1] in (" ", "+")]
        places = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
        assert len(places) == 1, f"{name}: its old lines stand {len(places)} times in the base"
        lines[places[0] : places[0] + len(old)] = new
    return lines


def _hunks(patch: list[str]) -> Iterator[list[str]]:
    hunk: list[str] = []
    for line in patch:
        if line == "@@":
            hunk = []
            yield hunk
        elif line[:1] in (" ", "-", "+"):
            hunk.append(line)
