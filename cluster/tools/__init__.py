"""The programs that Substrate needs, taken from the user where they are, made from pinned sources where not.

    from cluster import tools
    tools.ensure(tools.needed("embedded"))
    tools.path("kube-apiserver")

Imports the standard library only.
"""

from __future__ import annotations

from cluster.tools.acquire import ensure
from cluster.tools.catalogue import tool
from cluster.tools.errors import ToolError
from cluster.tools.locate import Found, Source, find, needed, official_pulumi, path, setting
from cluster.tools.progress import Progress

__all__ = [
    "Found",
    "Progress",
    "Source",
    "ToolError",
    "ensure",
    "find",
    "needed",
    "official_pulumi",
    "path",
    "setting",
    "tool",
]
