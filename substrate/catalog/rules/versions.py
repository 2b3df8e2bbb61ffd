"""Engines that have come to their end. Imports the catalogue's types and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path, Severity
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.types import EngineName

# Engine -> what became of it, and what serves the same weights.
_ARCHIVED = {EngineName.TGI: ("text-generation-inference was archived in 2026-03 and gets no fixes", EngineName.VLLM)}


def archived(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """An engine that nobody mends any more serves, and is said to be one."""
    for name, path in _once(catalog, where, "engine"):
        engine = resolve.engine_of(catalog, name)
        if engine in _ARCHIVED:
            why, other = _ARCHIVED[engine]
            message = f"model `{name}` runs on an engine that has ended: {why}"
            advice = f"write `engine: {other}`, which serves the same weights"
            yield where.report(Code.ENGINE_ARCHIVED, path, message, help=advice, severity=Severity.WARNING)


def _once(catalog: Catalog, where: Locator, key: str) -> Iterator[tuple[str, Path]]:
    """Each place where a model's value is written, with one model that takes it from there."""
    said: set[Path] = set()
    for name in catalog.models:
        path = written(where, name, key)
        if path not in said:
            said.add(path)
            yield name, path
