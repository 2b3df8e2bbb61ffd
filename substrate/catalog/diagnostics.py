"""What is wrong, where, why, and what to write instead, as a value. Imports the catalogue's codes and spelling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from substrate.catalog.codes import Code
from substrate.catalog.spelling import nearest

# A path into the stack's configuration: ("models", "qwen2-5-7b", "pool"); list items by their index.
Path = tuple[str | int, ...]

# So that a thousand names do not fill the screen.
NAMES_SHOWN = 12


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a file, counted from 1; the caret marks `width` characters. Line 0 is the file as a whole."""

    file: str
    line: int
    column: int
    width: int
    text: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What could stand there instead of `word`; the nearest is looked up only for a diagnostic that is shown."""

    word: str
    allowed: tuple[str, ...]

    def help(self) -> str:
        """`write one of: ...`, with the nearest spelling when there is just one."""
        if not self.allowed:
            return "there is none yet"
        shown = ", ".join(self.allowed[:NAMES_SHOWN])
        more = f", and {len(self.allowed) - NAMES_SHOWN} more" if len(self.allowed) > NAMES_SHOWN else ""
        close = nearest(self.word, self.allowed)
        return f"write one of: {shown}{more}" + (f" (did you mean `{close}`?)" if close else "")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `message` stands alone and names the thing; `notes` say why, with the arithmetic; `help` is one concrete change;
    `also` are the other places that it follows from, each with what stands there.
    """

    code: Code
    message: str
    place: Place
    path: Path = ()
    severity: Severity = Severity.ERROR
    notes: tuple[str, ...] = ()
    help: str | None = None
    choices: Choices | None = None
    also: tuple[tuple[Place, str], ...] = ()

    @property
    def advice(self) -> str | None:
        """The help as shown: the written one, the choices, or both."""
        parts = [part for part in (self.help, self.choices and self.choices.help()) if part]
        return "; ".join(parts) or None

    def sort_key(self) -> tuple[int, int, str]:
        return (self.place.line, self.place.column, self.code)


class CatalogError(Exception):
    """A stack file that cannot be served; holds every diagnostic, and renders them all (the first 50 in full)."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics)
        self.diagnostics = list(diagnostics)

    def __str__(self) -> str:
        from substrate.catalog.rendering import render

        return render(self.diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place in the file, as a reader meets them; each finding once."""
    return sorted(dict.fromkeys(diagnostics), key=Diagnostic.sort_key)


def errors(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [each for each in diagnostics if each.severity is Severity.ERROR]
