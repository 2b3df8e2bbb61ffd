"""Recipes for trees of Debian packages as one tar, made by mmdebstrap without running their scripts.

Imports the standard library only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.tools.cache import Workspace
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

ROOT = "root.tar"


@dataclass(frozen=True)
class DebianRoot(Recipe):
    """The packages, with what they depend on, unpacked into `root.tar`; the suite's security updates are included."""

    suite: str = "bookworm"
    packages: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return self.suite

    @property
    def doing(self) -> str:
        return f"fetching {', '.join(self.packages)} with mmdebstrap"

    def parts(self) -> Mapping[str, bytes]:
        return {"packages": json.dumps([self.suite, self.packages]).encode()}

    def requires(self) -> tuple[str, ...]:
        return ("mmdebstrap",)

    def build(self, space: Workspace, runner: Runner) -> None:
        # Its scratch folder stays in TMPDIR: apt's own user must reach it, and cannot reach into a home folder.
        argv = [str(runner.tool("mmdebstrap")), "--variant=extract", f"--include={','.join(self.packages)}", self.suite]
        runner.run([*argv, str(space.out / ROOT)], cwd=Path("/"), env=os.environ | {"LC_ALL": "C.UTF-8"})
