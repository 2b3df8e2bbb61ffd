"""A trace of requests: read from CSV, cut to a window, played faster. Imports the standard library.

The columns are those of Azure's public traces (github.com/Azure/AzurePublicDataset): TIMESTAMP, ContextTokens and
GeneratedTokens, in any order, with others beside them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import NamedTuple

TIMESTAMP, CONTEXT, GENERATED = COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
# A file of another kind is wrong in every line: the first few say it.
SHOWN_ERRORS = 5
_FORMS = {True: "a date", False: "a number of seconds"}
# Longer than any model's context; beyond it the number is no number of tokens.
MOST_TOKENS = 100_000_000


class TraceError(Exception):
    """A trace that cannot be read: every message with its file, and its line where there is one."""


class Arrival(NamedTuple):
    """One request: seconds since the trace's begin, tokens of its prompt, tokens of its answer (one at least)."""

    at: float
    context: int
    generated: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests in the order of their coming, over `seconds`."""

    name: str
    arrivals: Sequence[Arrival]
    seconds: float

    def between(self, start: float, end: float) -> Trace:
        """The requests from `start` up to `end`, counted from `start`. Raises TraceError where there is none."""
        inside = [Arrival(at - start, *tokens) for at, *tokens in self.arrivals if start <= at < end]
        if not inside:
            where = f"between {start:g} s and {end:g} s"
            raise TraceError(f"{self.name}: no request comes {where}; the trace is {self.seconds:.0f} s long")
        return Trace(self.name, inside, min(end, self.seconds) - start)

    def faster(self, rate: float) -> Trace:
        """The same requests, `rate` times as many a second."""
        return Trace(self.name, [Arrival(at / rate, *tokens) for at, *tokens in self.arrivals], self.seconds / rate)


def read(path: Path) -> Trace:
    """Raises TraceError, with everything that is wrong up to a few lines."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parsed(path.name, csv.reader(file, strict=True), str(path))
    except FileNotFoundError:
        raise TraceError(f"{path}: no such file; write --trace with a CSV of {', '.join(COLUMNS)}") from None
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise TraceError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start:,})") from error


def _parsed(name: str, rows: Iterator[list[str]], where: str) -> Trace:
    arrivals, wrong = [], []
    try:
        places = _places(next(rows, []), where)
        dated = None
        for line, row in enumerate(rows, start=2):
            if not row:
                continue
            try:
                arrival, date = _arrival(row, places)
                if dated is not None and date is not dated:
                    raise ValueError(f"{TIMESTAMP} is {_FORMS[date]}, and in the lines before {_FORMS[dated]}")
                dated = date
                arrivals.append(arrival)
            except ValueError as error:
                wrong.append(f"{where}:{line}: {error}")
    except csv.Error as error:
        wrong.append(f"{where}:{rows.line_num}: {error}")  # type: ignore[attr-defined]
    if wrong:
        raise TraceError(_listed(wrong))
    if not arrivals:
        raise TraceError(f"{where}: holds no request below its header")
    return _from_zero(name, arrivals)


def _listed(wrong: Sequence[str]) -> str:
    more = len(wrong) - SHOWN_ERRORS
    return "\n".join([*wrong[:SHOWN_ERRORS], *([f"and {more:,} lines more"] if more > 0 else [])])


def _places(header: Sequence[str], where: str) -> tuple[int, int, int]:
    """Where the three columns stand in a row."""
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise TraceError(
            f"{where}:1: no column {' and none '.join(missing)}; a trace has {', '.join(COLUMNS)}"
            + "".join(f"; is `{near}` meant for {name}?" for name in missing for near in _near(name, names))
        )
    time, context, generated = (names.index(name) for name in COLUMNS)
    return time, context, generated


def _near(name: str, names: Iterable[str]) -> list[str]:
    folded = {each.lower().replace("_", "").replace(" ", ""): each for each in names if each}
    return [folded[each] for each in get_close_matches(name.lower(), folded, n=1, cutoff=0.6)]


def _arrival(row: Sequence[str], places: tuple[int, int, int]) -> tuple[Arrival, bool]:
    """One request, its time as it is written, and whether that is a date."""
    if len(row) <= max(places):
        raise ValueError(f"{len(row)} fields, and the header has more")
    time, context, generated = (row[place] for place in places)
    # Failed requests stand in traces with no token; an engine that is asked makes one.
    seconds, date = _seconds(time)
    return Arrival(seconds, _tokens(context, CONTEXT), max(1, _tokens(generated, GENERATED))), date


def _seconds(text: str) -> tuple[float, bool]:
    """A date and time, of UTC where it names no zone; or a number of seconds, which a date without signs is not."""
    written = text.strip()
    try:
        moment = datetime.fromisoformat(written if "-" in written else "")
    except ValueError:
        return _number(text), False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), True


def _number(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not isfinite(seconds):
        raise ValueError(
            f"{TIMESTAMP} is {text[:40]!r}: write a time as 2023-11-16 18:15:46.68, or a number of seconds"
        )
    return seconds


def _tokens(text: str, column: str) -> int:
    written = text.strip()
    if not (written.isascii() and written.isdigit()) or len(written) > 12 or int(written) > MOST_TOKENS:
        raise ValueError(f"{column} is {text[:40]!r}: write a whole number of tokens, as 374")
    return int(written)


def _from_zero(name: str, arrivals: list[Arrival]) -> Trace:
    arrivals.sort(key=lambda arrival: arrival.at)
    first = arrivals[0].at
    moved = [Arrival(at - first, *tokens) for at, *tokens in arrivals]
    return Trace(name, moved, moved[-1].at)
