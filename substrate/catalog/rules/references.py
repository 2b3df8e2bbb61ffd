"""Names that lead somewhere. Imports the catalogue's types and locator.

Read from the file's own text, so that a reference is judged even in a block that is wrong elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rendering import CAP
from substrate.catalog.showing import shown
from substrate.catalog.spelling import nearest

_CODES = {
    "pools": Code.NO_SUCH_POOL,
    "stores": Code.NO_SUCH_STORE,
    "teams": Code.NO_SUCH_TEAM,
    "models": Code.NO_SUCH_MODEL,
}


def names_exist(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Every pool, store, team and model that is referred to is defined."""
    defined = {section: dict.fromkeys(where.names(section)) for section in _CODES}
    shown_names = {section: tuple(map(shown, names)) for section, names in defined.items()}
    found = 0
    for path, section in _references(where):
        name = where.text(path)
        if name is not None and name not in defined[section] and where.is_block((section,)):
            found += 1
            # The nearest name is dear to find, and no more than CAP diagnostics are shown in full.
            close = nearest(name, defined[section]) if found <= CAP else None
            yield _dangling(path, section, name, close, shown_names[section], where)


def _references(where: Locator) -> Iterator[tuple[Path, str]]:
    """Where a name refers to a block, and in which section."""
    yield ("defaults", "team"), "teams"
    yield ("defaults", "store"), "stores"
    for name in where.names("models"):
        yield ("models", name, "pool"), "pools"
        yield ("models", name, "team"), "teams"
        yield ("models", name, "weights", "store"), "stores"
    for name in where.names("servers"):
        for number in range(where.items("servers", name, "models")):
            yield ("servers", name, "models", number), "models"


def _dangling(
    path: Path, section: str, name: str, close: str | None, defined: tuple[str, ...], where: Locator
) -> Diagnostic:
    noun = section.removesuffix("s")
    definition = (section, close) if close else (section,)
    said = f"`{close}` is defined here" if close else f"{section} are defined here"
    return where.report(
        _CODES[section],
        path,
        f"{noun} `{shown(name)}` does not exist",
        choices=Choices(name, defined),
        also=[(definition, said)],
    )


def a_team_is_named(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """With several teams every model belongs to one by name."""
    yield from _named(catalog, where, "team", "teams", ("team",), Code.NO_TEAM_NAMED)


def a_store_is_named(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """With several stores every model's weights lie in one by name."""
    yield from _named(catalog, where, "store", "stores", ("weights", "store"), Code.NO_STORE_NAMED)


def _named(
    catalog: Catalog, where: Locator, noun: str, section: str, key: tuple[str, ...], code: Code
) -> Iterator[Diagnostic]:
    names = where.names(section)
    if len(names) < 2 or where.has(("defaults", noun)):
        return
    for name in catalog.models:
        path: Path = ("models", name, *key)
        if not where.has(path) and where.has(path[:-1]):
            yield where.report(
                code,
                path,
                f"model `{name}` names no {noun}, and the stack has {len(names)}",
                help=f"write `{'.'.join(key)}: {names[0]}`, or set `{noun}` once under `substrate:defaults`",
                choices=Choices("", names),
                also=[((section,), f"{section} are defined here"), (("defaults",), f"no {noun} is set here")],
            )
