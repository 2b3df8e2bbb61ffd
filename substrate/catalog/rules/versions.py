"""What this version does not do yet, said plainly. Imports the catalogue's types and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, EngineName, Foundation
from substrate.catalog.rules.capacity import written

NOW = "this version serves on plain with vllm or llama.cpp"
_ENDED = {EngineName.TGI: "text-generation-inference was archived in 2026-03; vllm serves the same weights"}
FOUNDATIONS = (Foundation.PLAIN,)
ENGINES = (EngineName.VLLM, EngineName.LLAMA_CPP)


def foundations(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Foundations that are not there are refused, not pretended."""
    for name, path in _once(catalog, where, "foundation"):
        foundation = resolve.foundation_of(catalog, name)
        if foundation not in FOUNDATIONS:
            message = f"{NOW}; foundation {foundation} comes with a later one"
            yield where.report(
                Code.FOUNDATION_NOT_YET, path, message, help="write `foundation: plain`, or leave it out"
            )


def engines(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Engines that are not there are refused, not pretended."""
    for name, path in _once(catalog, where, "engine"):
        if catalog.models[name].pool not in catalog.pools:
            continue
        engine = resolve.engine_of(catalog, name)
        if engine not in ENGINES:
            notes = [_ENDED[engine]] if engine in _ENDED else []
            message = f"{NOW}; engine {engine} comes with a later one"
            if notes:
                message = f"{NOW}; engine {engine} is not among them"
            yield where.report(
                Code.ENGINE_NOT_YET, path, message, notes=notes, help="write `engine: vllm` or `engine: llama.cpp`"
            )


def _once(catalog: Catalog, where: Locator, key: str) -> Iterator[tuple[str, Path]]:
    """Each place where a model's value is written, with one model that takes it from there."""
    said: set[Path] = set()
    for name in catalog.models:
        path = written(where, name, key)
        if path not in said:
            said.add(path)
            yield name, path


def servers(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A server of several models comes with the foundations that have one."""
    for name, server in catalog.servers.items():
        if len(server.models) > 1:
            path = ("servers", name, "models")
            message = (
                f"this version gives each model a server of its own; `{name}` with {len(server.models)} comes later"
            )
            advice = "remove the server: a model that stands alone gets its server implied"
            yield where.report(Code.SERVERS_NOT_YET, path, message, help=advice)
