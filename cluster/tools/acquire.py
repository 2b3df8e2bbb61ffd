"""Gets what is missing: checks first, then one recipe after the other. Imports the standard library only."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from cluster.tools import cache, debian, locate, places, process, space
from cluster.tools.catalogue import Debian, Tool, tool
from cluster.tools.errors import ToolError
from cluster.tools.locate import setting
from cluster.tools.process import Runner
from cluster.tools.progress import Progress
from cluster.tools.recipe import Recipe


def ensure(names: Iterable[str], progress: Progress | None = None) -> Mapping[str, Path]:
    """Get what of `names` is missing, and say where each is. Raises ToolError; nothing half made is left.

    Safe to run from several clones at once: one builds, the others wait. SIGTERM and Ctrl-C end the builds.
    """
    shown = progress or Progress()
    wanted = list(dict.fromkeys(names))
    with process.ends_on_sigterm():
        _acquire([tool(name) for name in wanted], shown)
    return {name: locate.path(name) for name in wanted}


def _acquire(wanted: Iterable[Tool], progress: Progress) -> None:
    missing = [one for one in wanted if not locate.find(one.name)]
    recipes = list(dict.fromkeys(one.origin for one in missing if isinstance(one.origin, Recipe)))
    helpers = [tool(name) for recipe in recipes for name in recipe.requires() if not locate.find(name)]
    if recipes:
        space.check(recipes)
        _check_go(recipes)
    packaged = [one for one in [*missing, *helpers] if isinstance(one.origin, Debian)]
    if packaged:
        debian.install([_package(one) for one in packaged], [one.name for one in packaged], progress)
        _check_installed(packaged)
    _check_compilers(recipes, progress)
    for recipe in recipes:
        build(recipe, progress)


def _package(one: Tool) -> str:
    assert isinstance(one.origin, Debian)
    return one.origin.package


def _check_go(recipes: Iterable[Recipe]) -> None:
    """Without go nothing of Go's can be made, and Debian's own is too old to be installed for it."""
    names = [output for recipe in recipes if recipe.asks[:1] == ("go",) for output in recipe.outputs]
    if names and not shutil.which("go"):
        raise ToolError(
            f"go is not on PATH, and {', '.join(names)} must be built with it",
            remedy="install Go 1.26 or newer (or 1.21 or newer, which fetches 1.26 by itself) and put it on PATH,"
            f" or name ready files, as {setting(names[0])}=/path/to/{names[0]}",
        )


def _check_compilers(recipes: Iterable[Recipe], progress: Progress) -> None:
    """Raise ToolError with what a compiler itself says where it cannot build its recipe: too old, say."""
    for recipe in recipes:
        if recipe.compiler() is None:
            log = places.made(places.logs()) / f"{recipe.name}-{recipe.version}.log"
            log.write_bytes(b"")
            with progress.step(recipe.title, f"asking {recipe.asks[0]} for its version", log=log) as step:
                Runner(log, step).run(recipe.asks, cwd=recipe.home)


def _check_installed(packaged: Iterable[Tool]) -> None:
    for one in packaged:
        if not locate.find(one.name):
            raise ToolError(
                f"{one.name} is still not on PATH after its package {_package(one)} was installed",
                remedy=f"name it by {setting(one.name)}",
            )


def build(recipe: Recipe, progress: Progress) -> Path:
    """The complete folder of a recipe, built unless it is there. Raises ToolError."""
    key = recipe.key()
    with cache.lock(str(key), recipe.title, progress):
        if not cache.complete(key.folder, recipe.outputs):  # another clone may have built it while this one waited
            _build(recipe, key, progress)
    return key.folder


def _build(recipe: Recipe, key: cache.Key, progress: Progress) -> None:
    places.made(places.logs())
    key.log.write_bytes(b"")
    with (
        progress.step(recipe.title, recipe.doing, expected=recipe.seconds, log=key.log) as step,
        cache.building(key, recipe.sources(), step) as workspace,
    ):
        recipe.build(workspace, Runner(key.log, step, locate.path))
        lost = [output for output in recipe.outputs if not (workspace.out / output).exists()]
        if lost:
            raise ToolError(f"{recipe.title}: the build ended well but made no {', '.join(lost)}", log=key.log)
