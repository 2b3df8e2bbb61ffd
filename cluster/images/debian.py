"""What images take of Debian's roots. Imports cluster.tools and this folder's layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from cluster import tools
from cluster.images import layers
from cluster.images.layers import Member

_NOT_NEEDED = (
    "dev",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/doc-base",
    "var/cache",
    "var/log",
)
_BUSYBOX_FILES = ("bin/busybox", "usr/share/doc/busybox-static/copyright")


def root(tool: str) -> Iterator[Member]:
    """A root without devices and documentation; licences stay. Raises ToolError where the tool is not there."""
    return layers.unpacked(tools.path(tool), _needed)


def busybox() -> Iterator[Member]:
    """The static shell, without the links that make its applets commands. Raises ToolError where it is not there."""
    return layers.unpacked(tools.path("busybox-root"), lambda path: str(path) in _BUSYBOX_FILES)


def _needed(path: PurePosixPath) -> bool:
    documentation = path.is_relative_to("usr/share/doc") and path.name != "copyright"
    return not documentation and not any(path.is_relative_to(folder) for folder in _NOT_NEEDED)
