"""Checks before a build that the disks can hold it. Imports the standard library only."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from cluster.tools import places, process
from cluster.tools.errors import ToolError
from cluster.tools.golang import go_environment
from cluster.tools.recipe import Recipe

_GIB = 1024**3


def check(recipes: Iterable[Recipe]) -> None:
    """Raise ToolError when a file system lacks the room for all of these builds."""
    needs: dict[int, int] = defaultdict(int)  # bytes by device: the cache and Go's caches may share one
    folders: dict[int, Path] = {}
    builds = list(recipes)
    demands = [(places.cache(), _cache_bytes(builds)), *_go_demands(builds)]
    for folder, size in demands:
        device = _existing(folder).stat().st_dev
        needs[device] += size
        folders.setdefault(device, folder)
    for device, folder in folders.items():
        _check_one(folder, needs[device], [recipe.name for recipe in builds])


def _cache_bytes(recipes: Iterable[Recipe]) -> int:
    return sum(recipe.disk for recipe in recipes)


def _go_demands(recipes: Iterable[Recipe]) -> list[tuple[Path, int]]:
    size = sum(recipe.go_disk for recipe in recipes)
    named = process.answer(["go", "env", "GOCACHE"], env=go_environment()) if size else None
    return [(Path(named), size)] if named else []


def _existing(folder: Path) -> Path:
    """The nearest folder that is there: the one whose disk a new folder will be on."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _check_one(folder: Path, needed: int, names: list[str]) -> None:
    free = shutil.disk_usage(_existing(folder)).free
    if free >= needed:
        return
    raise ToolError(
        f"too little room on the disk of {folder}: {_size(free)} are free, "
        f"{', '.join(names)} need {_size(needed)} while they are built",
        remedy="free space, or set SUBSTRATE_CACHE (and GOCACHE, which go fills) to folders on a larger disk",
    )


def _size(size: int) -> str:
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{size / 1024**2:.0f} MiB"
