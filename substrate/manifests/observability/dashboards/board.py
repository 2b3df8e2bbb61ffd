"""A dashboard as values: rows of panels, each asking one thing. Pure; imports the standard library.

What a panel asks is a recorded series wherever there is one, so that it is the same for every engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Grafana's names of units.
REQUESTS, SECONDS, BYTES, RATIO, TOKENS, PLAIN = "short", "s", "bytes", "percentunit", "short", "none"


class Kind(StrEnum):
    """How a panel shows what it asks for."""

    STAT = "stat"
    LINES = "lines"
    STEPS = "steps"  # for what changes at once, as replicas do
    STACKED = "stacked"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """`name` is the legend's template, or a table's column."""

    expr: str
    name: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """`width` is in 24ths. `warn` and `bad` colour a value from there on; a table's `labels` are its first columns."""

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    unit: str
    says: str
    width: int = 12
    warn: float | None = None
    bad: float | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """`variables` are labels that a person picks values of, each among those of the ones before it."""

    name: str
    title: str
    says: str
    variables: tuple[str, ...]
    rows: tuple[Row, ...]


def picked(stack: str, *variables: str) -> str:
    """The matchers of a query that follows what was picked."""
    return ",".join([f'stack="{stack}"', *(f'{name}=~"${name}"' for name in variables)])


def stat(title: str, expr: str, unit: str, says: str, warn: float | None = None, bad: float | None = None) -> Panel:
    """One number, as it is now."""
    return Panel(title, Kind.STAT, (Query(expr, title),), unit, says, 4, warn, bad)


def lines(title: str, unit: str, says: str, *queries: Query, kind: Kind = Kind.LINES, width: int = 12) -> Panel:
    return Panel(title, kind, queries, unit, says, width)


def table(title: str, says: str, labels: tuple[str, ...], *columns: Query) -> Panel:
    return Panel(title, Kind.TABLE, columns, PLAIN, says, 24, labels=labels)
