"""What a tool is, and the words in which the catalogue lists them. Imports the recipes."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.tools.golang import GoModuleFiles
from cluster.tools.recipe import Recipe

GIB = 1024**3
MIB = 1024**2


@dataclass(frozen=True)
class Debian:
    """The Debian package that holds a tool."""

    package: str


@dataclass(frozen=True)
class Tool:
    """One thing that Substrate runs or reads.

    `on_path`: the one on PATH is taken, if `companions` are there too. `output`: its place in the recipe's folder.
    """

    name: str
    origin: Recipe | Debian
    on_path: bool = False
    companions: tuple[str, ...] = ()
    output: str = ""

    @property
    def version(self) -> str:
        return self.origin.version if isinstance(self.origin, Recipe) else ""


def made_by(recipe: Recipe, *names: str) -> list[Tool]:
    """Tools that only a recipe, or a setting, gives: a random version on PATH must not get into the cluster."""
    return [Tool(name, recipe, output=name) for name in names]


def packaged(package: str, *names: str) -> list[Tool]:
    return [Tool(name, Debian(package), on_path=True) for name in names]


def small_tree(name: str, holds: str, module: str, path: str, folder: str) -> GoModuleFiles:
    """A folder of manifests out of a Go module: seconds, and some megabytes."""
    return GoModuleFiles(
        name, (holds,), seconds=5, disk=GIB // 16, go_disk=GIB // 8, module=module, path=path, folder=folder
    )
