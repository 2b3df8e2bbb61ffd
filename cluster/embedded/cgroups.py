"""The cluster's own branch in every cgroup hierarchy, version 1 and 2: made, read, removed. Standard library only."""

from __future__ import annotations

import os
import time
from pathlib import Path

from cluster.embedded.errors import OTHER_WAY, ClusterError

MOUNT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb")


def name(key: str) -> str:
    return f"substrate-{key}"


def branches(key: str) -> list[Path]:
    """Our folder in each hierarchy: one under version 2, one a controller under version 1, whether made yet or not."""
    hierarchies = [MOUNT] if _unified(MOUNT) else [path for path in MOUNT.iterdir() if _is_hierarchy(path)]
    return [path / name(key) for path in hierarchies]


def make(key: str) -> None:
    """Make the branches, ready for pods below them. Raises ClusterError where cgroups cannot be written."""
    try:
        for branch in branches(key):
            _make(branch)
    except OSError as error:
        raise ClusterError(
            f"the cgroup {error.filename or MOUNT} cannot be made: {error.strerror}",
            remedy=f"in a container, start that privileged, with a cgroup namespace of its own; or {OTHER_WAY}",
        ) from error


def processes(key: str, below: str = "") -> set[int]:
    """Pids, in the reader's pid namespace, of all that runs in our branches (or in one folder of them)."""
    found: set[int] = set()
    for branch in branches(key):
        for file in (branch / below).rglob("cgroup.procs"):
            found |= _pids(file)
    return found - {0}  # 0: a process that our pid namespace cannot see


def remove(key: str, patience: float = 5.0) -> None:
    """Remove the branches, deepest first. Raises ClusterError if something runs in one after `patience` seconds."""
    deadline = time.monotonic() + patience
    left = [branch for branch in branches(key) if branch.exists()]
    while left:
        for branch in left:
            _remove(branch)
        left = [branch for branch in left if branch.exists()]
        if left and time.monotonic() > deadline:
            raise ClusterError(f"the cgroup {left[0]} cannot be removed: processes {sorted(processes(key))} are in it")
        time.sleep(0.02 if left else 0)


def _make(branch: Path) -> None:
    branch.mkdir(exist_ok=True)
    if _unified(branch.parent):
        _delegate(branch.parent)
        _delegate(branch)
    for file in ("cpuset.cpus", "cpuset.mems"):  # version 1 starts them empty, and then no process may enter
        if (branch / file).is_file() and not (branch / file).read_text().strip():
            (branch / file).write_text((branch.parent / file).read_text())


def _delegate(folder: Path) -> None:
    """Version 2: let the folders below have the controllers that this one has."""
    if not (folder / "cgroup.controllers").is_file():
        return  # the named hierarchies of version 1 have none
    offered = (folder / "cgroup.controllers").read_text().split()
    given = (folder / "cgroup.subtree_control").read_text().split()
    for controller in _CONTROLLERS:
        if controller in offered and controller not in given:
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _unified(path: Path) -> bool:
    return (path / "cgroup.controllers").is_file()


def _is_hierarchy(path: Path) -> bool:
    return not path.is_symlink() and (path / "cgroup.procs").is_file()


def _pids(file: Path) -> set[int]:
    try:
        return {int(line) for line in file.read_text().split()}
    except OSError:
        return set()


def _remove(branch: Path) -> None:
    for folder, _, _ in os.walk(branch, topdown=False):
        try:
            Path(folder).rmdir()
        except OSError:
            return  # busy for a moment after its processes ended: the caller comes back
