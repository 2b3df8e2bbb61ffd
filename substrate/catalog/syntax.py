"""What a YAML parser's complaint means to the one who wrote the file. Imports pyyaml and the catalogue's source."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path, Place
from substrate.catalog.showing import shown
from substrate.catalog.source import Source

_LEADING_TAB = re.compile(r"^ *\t")
_NO_SPACE_AFTER_COLON = re.compile(r"^\s*(?:- )?[\w-]+:[^\s:/]")


def nowhere(source: Source) -> Place:
    """The file as a whole."""
    return Place(source.name, 0, 0, 1, "")


def explained(source: Source, error: yaml.YAMLError) -> list[Diagnostic]:
    """A parser's complaint, at the place that the user can act on."""
    mark = error.problem_mark or error.context_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if mark is None or not isinstance(error, yaml.MarkedYAMLError):
        return [Diagnostic(Code.YAML_SYNTAX, f"this is no YAML: {shown(str(error))}", nowhere(source))]
    problem = (error.problem or "").strip()
    if "found another document" in problem:
        return [_second_document(source, mark)]
    if "alias" in problem:
        return [anchor(source.place(mark.line, mark.column), ())]
    tabs = list(_tabs(source, mark.line))
    return tabs or [_broken(source, error, mark, problem)]


def _second_document(source: Source, mark: yaml.Mark) -> Diagnostic:
    return Diagnostic(
        Code.SEVERAL_DOCUMENTS,
        "a stack file holds one document, a second one begins here",
        source.place(mark.line, mark.column, 3),
        notes=("Pulumi's engine reads the first document and drops the rest without a word",),
        help="remove the `---`, or move what follows into a stack file of its own",
    )


def _tabs(source: Source, line: int) -> Iterator[Diagnostic]:
    """Every indent with a tab, when the line that broke the parser, or one next to it, has one."""
    near = source.lines[max(0, line - 1) : line + 1]
    if not any(_LEADING_TAB.match(text) for text in near):
        return
    for number, text in enumerate(source.lines):
        if found := _LEADING_TAB.match(text):
            place = source.place(number, found.end() - 1)
            yield Diagnostic(Code.TAB, "YAML is indented with spaces, this is a tab", place, help="write spaces")


def _broken(source: Source, error: yaml.MarkedYAMLError, mark: yaml.Mark, problem: str) -> Diagnostic:
    """An unterminated quote or bracket is reported where it opens: its end is wherever the file happens to break."""
    context = error.context_mark
    opened = context is not None and (error.context or "").endswith(("quoted scalar", "flow sequence", "flow mapping"))
    spot = context if opened and context is not None else mark
    return Diagnostic(
        Code.YAML_SYNTAX,
        f"this is not YAML: {_sentence(error, problem)}",
        source.place(spot.line, spot.column),
        help=_syntax_help(source, spot.line, mark.line, problem),
        also=tuple(_related(source, error, spot, problem)),
    )


def _related(source: Source, error: yaml.MarkedYAMLError, spot: yaml.Mark, problem: str) -> Iterator[tuple[Place, str]]:
    """The other places of a complaint: where the parser was, and the line whose indent may be the wrong one."""
    for mark, said in ((error.problem_mark, problem), (error.context_mark, error.context or "")):
        if mark is not None and (mark.line, mark.column) != (spot.line, spot.column):
            yield source.place(mark.line, mark.column), said
    above = _indented_less(source, spot.line)
    if "expected key" in problem and above is not None:
        yield source.place(above, _indent(source.lines[above])), "the block above it begins here"
    if "document start" in problem:
        first = next(number for number, text in enumerate(source.lines) if text.strip() and not text.startswith("#"))
        yield source.place(first, 0), "the file begins here"


def _indented_less(source: Source, line: int) -> int | None:
    """The nearest line above that is indented less than a line: what that line belongs to, or what cut it off."""
    indent = _indent(source.lines[line]) if line < len(source.lines) else 0
    for number in range(min(line, len(source.lines)) - 1, -1, -1):
        text = source.lines[number]
        if text.strip() and not text.lstrip().startswith("#") and _indent(text) < indent:
            return number
    return None


def _further_than_above(source: Source, line: int) -> bool:
    """Whether a line is indented further than the one above it, which is a key with a value."""
    above, here = source.lines[line - 1] if line else "", source.lines[line]
    return bool(re.match(r"\s*[^\s#].*:\s+\S", above)) and _indent(here) > _indent(above)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _sentence(error: yaml.MarkedYAMLError, problem: str) -> str:
    context = (error.context or "").strip()
    return shown(f"{problem} ({context})" if context else problem)


def _syntax_help(source: Source, opened: int, line: int, problem: str) -> str:
    near = [text for text in source.lines[max(0, line - 1) : line + 1] if _NO_SPACE_AFTER_COLON.match(text)]
    if near:
        return "a key's colon needs a space after it"
    if opened != line:
        return "close the quote or bracket that is opened here"
    if "mapping values are not allowed" in problem:
        if _further_than_above(source, line):
            return "the line above already has a value, so this one cannot belong to it: put both under each other"
        return "write a value that holds `: ` in quotes, and keys of one block under each other"
    if "cannot start any token" in problem:
        return "write a value that begins with this character in quotes"
    return "keys of one block stand exactly under each other, what belongs to a key stands further right"


def anchor(place: Place, path: Path) -> Diagnostic:
    return Diagnostic(
        Code.ANCHOR,
        "anchors, aliases and merge keys are not read",
        place,
        path,
        notes=("a value that stands elsewhere cannot be reviewed where it is used",),
        help="write the value out, or put what all models share under `substrate:defaults`",
    )
