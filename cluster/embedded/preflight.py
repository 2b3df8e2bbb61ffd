"""What must hold before anything is made: Linux, root, the programs of every system. Standard library only."""

from __future__ import annotations

import os
import shutil
import sys

from cluster.embedded.errors import OTHER_WAY, ClusterError

_PROGRAMS = {"openssl": "openssl", "nsenter": "util-linux"}


def check() -> None:
    """Raises ClusterError that says what is missing and names the way out."""
    if sys.platform != "linux":
        raise ClusterError(f"the embedded cluster needs Linux, this is {sys.platform}", remedy=OTHER_WAY)
    if os.geteuid() != 0:
        raise ClusterError(
            "the embedded cluster needs root, for namespaces and cgroups", remedy=f"use sudo, or {OTHER_WAY}"
        )
    for program, package in _PROGRAMS.items():
        if not shutil.which(program):
            raise ClusterError(f"{program} is not on PATH", remedy=f"install it (Debian: apt-get install {package})")
