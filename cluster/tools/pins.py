"""Reads the pinned versions and hashes of cluster/toolchain. Imports the standard library only."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

from cluster.tools.errors import ToolError
from cluster.tools.places import TOOLCHAIN


class Pin(NamedTuple):
    """One package of wheels.txt: its version, and its requirement with all hashes."""

    version: str
    text: str


@functools.cache
def _wheels() -> dict[str, Pin]:
    lines = (line for line in (TOOLCHAIN / "wheels.txt").read_text().splitlines() if not line.startswith("#"))
    requirements = "\n".join(lines).replace("\\\n", " ").splitlines()
    return dict(map(_requirement, filter(str.strip, requirements)))


def _requirement(line: str) -> tuple[str, Pin]:
    name, rest = line.split("==", 1)
    words = rest.split()
    return name, Pin(words[0], f"{name}=={' '.join(words)}\n")


def wheel(package: str) -> Pin:
    """The pin of a package in wheels.txt. Raises KeyError for one that is not there."""
    return _wheels()[package]


def go_sum(file: Path, module: str) -> tuple[str, str]:
    """The version of a module in a go.sum, and the sum of its zip. Raises ToolError when it is not there."""
    for line in file.read_text().splitlines():
        name, version, total = line.split()
        if name == module and not version.endswith("/go.mod"):
            return version, total
    raise ToolError(f"{file} has no sum for {module}", remedy="restore the file from the repository")
