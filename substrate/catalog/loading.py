"""The way from a path to a catalogue: read, compose, shape, judge. Imports the catalogue's own files only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from substrate.catalog.agreement import disagreements
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import CatalogError, Diagnostic, Place, errors, in_order
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.reader import Reader
from substrate.catalog.rules import judge
from substrate.catalog.shape import SINGLE, Reading, read_sections
from substrate.catalog.source import Source, read
from substrate.catalog.stackfile import StackFile
from substrate.catalog.tree import compose
from substrate.facts.secret_shapes import found


@dataclass(frozen=True)
class Report:
    """What checking a file came to. `catalog` is None when any diagnostic is an error."""

    catalog: Catalog | None
    diagnostics: list[Diagnostic]


def load(path: FilePath, engine_config: Mapping[str, object] | None = None) -> Catalog:
    """Read a stack file. Raises CatalogError, with every finding of the file, unless all of it is valid.

    `engine_config` is what Pulumi's engine read, by key: a value that differs from the file's is an error.
    """
    report = check(path, engine_config)
    if report.catalog is None:
        raise CatalogError(report.diagnostics)
    return report.catalog


def check(path: FilePath, engine_config: Mapping[str, object] | None = None) -> Report:
    """Read a stack file and say all that is to be said of it, warnings too. Never raises for what a user wrote."""
    try:
        source = read(path)
        file = StackFile(source, compose(source))
    except CatalogError as error:
        return Report(None, in_order(error.diagnostics))
    return _judged(source, file, engine_config)


def _judged(source: Source, file: StackFile, engine_config: Mapping[str, object] | None) -> Report:
    reader = Reader(source)
    where = Locator(source, file.config, file.sections)
    data = {section: reader.value(node, (section,)) for section, (_, node) in file.sections.items()}
    diagnostics = [*file.diagnostics, *reader.diagnostics]
    if file.readable:
        if engine_config is not None:
            diagnostics += disagreements(data, engine_config, file.misspelt, where)
        reading = read_sections(data, where)
        draft = _draft(reading)
        diagnostics += [*reading.diagnostics, *judge(draft, where)]
    else:
        draft = None
    diagnostics = in_order(_with_secrets(diagnostics, source, file))
    return Report(None if errors(diagnostics) else draft, diagnostics)


def _draft(reading: Reading) -> Catalog:
    """The blocks that are valid by themselves; a whole catalogue when nothing is wrong."""
    sections: dict[str, Any] = {section: {} for section in ("pools", "stores", "teams", "models")}
    for section, blocks in reading.blocks.items():
        sections[section] = blocks[""] if section in SINGLE else blocks
    return Catalog.model_construct(None, **sections)


def _with_secrets(diagnostics: Iterable[Diagnostic], source: Source, file: StackFile) -> Iterator[Diagnostic]:
    """Add every secret that stands in our sections; nothing else is said of the value that holds it."""
    ours = file.lines()
    places: dict[int, list[Place]] = {}
    for start, length, what in found(source.text):
        place = source.at(start, length)
        if any(place.line in section for section in ours):
            places.setdefault(place.line, []).append(place)
            yield Diagnostic(
                Code.INLINE_SECRET,
                f"{what} stands in the stack file",
                place,
                notes=("whoever can read the repository has it: take it back where it was issued",),
                help="put it into a Kubernetes Secret, and name that with `secretRef`",
            )
    for each in diagnostics:
        if not any(_overlap(each.place, place) for place in places.get(each.place.line, ())):
            yield each


def _overlap(one: Place, other: Place) -> bool:
    """Whether two marks of one line share a character."""
    return one.column < other.column + other.width and other.column < one.column + one.width
