"""Which file a tool is, right now: a setting, then PATH, then the cache. Imports the standard library only."""

from __future__ import annotations

import functools
import os
import re
import shutil
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from cluster.tools import cache, places
from cluster.tools.catalogue import SETS, Tool, tool
from cluster.tools.errors import ToolError
from cluster.tools.recipe import Recipe

_PROVIDER = "pulumi-resource-kubernetes"
_CNI_FOLDERS = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")
_CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # where nft and iptables are, and users' PATH is not
_OWN_FOLDER = ".substrate"  # `make env` puts .substrate/bin on PATH: that is ours, not the user's


class Source(StrEnum):
    """Where a tool comes from."""

    SETTING = "setting"
    PATH = "PATH"
    CACHE = "cache"


class Found(NamedTuple):
    """A tool that is there."""

    path: Path
    source: Source


def find(name: str) -> Found | None:
    """The tool of this name, or None when it must be got first. Raises ToolError for a wrong name or setting."""
    wanted = tool(name)
    return _by_setting(wanted) or _on_path(wanted) or _in_cache(wanted)


def path(name: str) -> Path:
    """The file (or folder) to use for a tool. Raises ToolError, with the command that gets it, when there is none."""
    found = find(name)
    if found:
        return found.path
    if name == _PROVIDER and official_pulumi():
        raise ToolError(f"{name}: left to Pulumi, which fetches its own plugins", remedy="ask official_pulumi() first")
    raise ToolError(f"{name} is not here yet", remedy=f"run: python -m cluster.tools ensure {name}")


def official_pulumi() -> bool:
    """Whether the user's own Pulumi is used: CLI and Python host on PATH, or the CLI named by a setting.

    Then the Kubernetes provider is left to Pulumi's own plugin acquisition.
    """
    found = find("pulumi")
    return found is not None and found.source is not Source.CACHE


def needed(kind: str) -> tuple[str, ...]:
    """The tools for a cluster of this kind, `embedded` or `existing`, on this machine."""
    if kind not in SETS:
        raise ToolError(f"there is no kind of cluster {kind!r}", remedy=f"say {' or '.join(sorted(SETS))}")
    return tuple(name for name in SETS[kind] if not (name == _PROVIDER and official_pulumi()))


def setting(name: str) -> str:
    """The environment variable that names the file of a tool: `SUBSTRATE_TOOL_KUBE_APISERVER`."""
    return "SUBSTRATE_TOOL_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def _by_setting(wanted: Tool) -> Found | None:
    named = os.environ.get(setting(wanted.name))
    if not named:
        return None
    file = Path(named).expanduser().absolute()
    if not file.exists():
        raise ToolError(
            f"{setting(wanted.name)} names {file}, which is not there",
            remedy=f"name an existing file, or unset {setting(wanted.name)}",
        )
    return Found(file, Source.SETTING)


def _on_path(wanted: Tool) -> Found | None:
    if not wanted.on_path:
        return None
    if wanted.name == "cni-plugins":
        return next((Found(Path(folder), Source.PATH) for folder in _CNI_FOLDERS if _has_plugins(Path(folder))), None)
    file = _which(wanted.name)
    if not file or not all(map(_which, wanted.companions)):
        return None
    return Found(Path(file), Source.PATH)


def _has_plugins(folder: Path) -> bool:
    return all((folder / plugin).exists() for plugin in _CNI_PLUGINS)


def _which(program: str) -> str | None:
    return shutil.which(program, path=_users_path(os.environ.get("PATH", ""), str(places.cache())))


@functools.cache
def _users_path(given: str, own_cache: str) -> str:
    """PATH without the folders that Substrate itself put there, and with those of the system's tools."""
    folders = [folder for folder in given.split(os.pathsep) if folder and not _is_own(Path(folder), own_cache)]
    return os.pathsep.join([*folders, *(folder for folder in _SYSTEM_FOLDERS if folder not in folders)])


def _is_own(folder: Path, own_cache: str) -> bool:
    return _OWN_FOLDER in folder.parts or folder.is_relative_to(own_cache)


def _in_cache(wanted: Tool) -> Found | None:
    if not isinstance(wanted.origin, Recipe):
        return None
    folder = built(wanted.origin)
    return Found(folder / wanted.output, Source.CACHE) if folder else None


def built(recipe: Recipe) -> Path | None:
    """The complete folder of a recipe; where its compiler is gone, one that another made of the same sources."""
    if recipe.compiler() is not None:
        folder = recipe.key().folder
        return folder if cache.complete(folder, recipe.outputs) else None
    sources = recipe.sources()
    for folder in sorted(places.tools().glob(f"{recipe.name}-{recipe.version}-*")):
        if cache.complete(folder, recipe.outputs) and cache.record(folder).get("sources") == sources:
            return folder
    return None
