"""Whether Pulumi's engine read the same values from the stack file. Imports the catalogue's locator and diagnostics.

The engine has its own parser, takes values from the command line and from Pulumi.yaml too, and encrypts some. What was
checked must be what is served, so any difference is an error.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.reader import Refused
from substrate.catalog.scalars import Ambiguous
from substrate.catalog.shape import NAMESPACE, SECTIONS
from substrate.catalog.showing import shown

_ELSEWHERE = "write it in the stack file only: not with `-c`, and not in Pulumi.yaml"


def disagreements(
    data: Mapping[str, object], engine: Mapping[str, object], misspelt: Collection[str], where: Locator
) -> Iterator[Diagnostic]:
    """Every place where the file's value is not the engine's. Engine keys may carry the namespace; None is absence.

    Sections that are `misspelt` in the file are passed over: the engine knows them under the name that is written.
    """
    theirs = {
        key.removeprefix(NAMESPACE): value
        for key, value in engine.items()
        if value is not None and (key.startswith(NAMESPACE) or ":" not in key)
    }
    for section, value in data.items():
        if section in misspelt:
            continue
        if section in theirs:
            yield from _differences(value, _parsed(theirs[section]), (section,), where)
        else:
            message = f"Pulumi's engine did not read `{NAMESPACE}{section}` from this file"
            yield where.report(Code.ENGINE_DISAGREES, (section,), message, at=where.key((section,)))
    for section in theirs.keys() & set(SECTIONS) - data.keys():
        message = f"Pulumi's engine has a value for `{NAMESPACE}{shown(section)}`, this file has none"
        yield where.report(Code.ENGINE_DISAGREES, (), message, at=where.key(()), help=_ELSEWHERE)


def _parsed(value: object) -> object:
    """The engine hands blocks over as JSON text."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _differences(ours: object, theirs: object, path: Path, where: Locator) -> Iterator[Diagnostic]:
    if isinstance(ours, Ambiguous | Refused):
        return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        yield from _in_mapping(ours, theirs, path, where)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(*pair, (*path, number), where)
    elif not _equal(ours, theirs):
        message = f"this file says {_said(ours)}, Pulumi's engine read {_said(theirs)}"
        yield where.report(Code.ENGINE_DISAGREES, path, message, help=f"write text in quotes; {_ELSEWHERE}")


def _in_mapping(ours: dict[str, object], theirs: dict[str, object], path: Path, where: Locator) -> Iterator[Diagnostic]:
    for key, value in ours.items():
        if key in theirs:
            yield from _differences(value, theirs[key], (*path, key), where)
        elif not isinstance(value, Ambiguous | Refused):
            message = f"Pulumi's engine did not read `{shown(key)}`"
            yield where.report(Code.ENGINE_DISAGREES, (*path, key), message, at=where.key((*path, key)))
    for key in theirs.keys() - ours.keys():
        if not any(_loosely(key, own) for own in ours):
            message = f"Pulumi's engine has a key `{shown(str(key))}` here, this file has none"
            yield where.report(Code.ENGINE_DISAGREES, path, message, at=where.key(path), help=_ELSEWHERE)


def _loosely(theirs: str, ours: str) -> bool:
    """A key that was reported as ambiguous has another text for the engine."""
    return theirs.casefold() == ours.casefold()


def _equal(ours: object, theirs: object) -> bool:
    """Equal and of one kind: YAML's 1 is not its true."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    return ours == theirs


def _said(value: object) -> str:
    if isinstance(value, str):
        return f'"{shown(value)}"'
    if isinstance(value, bool | int | float) or value is None:
        return shown(json.dumps(value))
    return "a list" if isinstance(value, list) else "a block of keys"
