"""Recipes for trees of Debian packages as one tar, made by mmdebstrap without running their scripts.

Imports the standard library only.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.tools.cache import Workspace
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

ROOT = "root.tar"


@dataclass(frozen=True)
class DebianRoot(Recipe):
    """The packages, with what they depend on, unpacked into `root.tar`; the suite's security updates are included.

    `alone` are packages without what they depend on. `files` maps outputs to members of the tar, and it is not kept.
    """

    suite: str = "bookworm"
    packages: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    release: str = ""

    @property
    def version(self) -> str:
        return self.release or self.suite

    @property
    def doing(self) -> str:
        return f"fetching {', '.join((*self.packages, *self.alone))} with mmdebstrap"

    def parts(self) -> Mapping[str, bytes]:
        further = [self.alone, self.files] if self.alone or self.files else []
        return {"packages": json.dumps([self.suite, self.packages, *further]).encode()}

    def requires(self) -> tuple[str, ...]:
        return ("mmdebstrap",)

    def build(self, space: Workspace, runner: Runner) -> None:
        # Its scratch folder stays in TMPDIR: apt's own user must reach it, and cannot reach into a home folder.
        argv = [str(runner.tool("mmdebstrap")), "--variant=extract", f"--include={','.join(self.packages)}"]
        argv += [*self._hooks(), self.suite, str(space.out / ROOT)]
        runner.run(argv, cwd=Path("/"), env=os.environ | {"LC_ALL": "C.UTF-8"})
        if self.files:
            with tarfile.open(space.out / ROOT, "r:") as root:
                for output, member in self.files:
                    _extract(root, member, space.out / output)
            (space.out / ROOT).unlink()

    def _hooks(self) -> Iterator[str]:
        """The suite's own apt, by the settings that mmdebstrap gives its hooks, fetches and checks what comes alone."""
        fetched = "${1}/var/cache/apt/archives/alone"
        for package in map(shlex.quote, self.alone):
            get = (
                f'mkdir "{fetched}" && cd "{fetched}" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get download {package}'
            )
            yield f'--extract-hook={get} && dpkg-deb --extract *.deb "$1" && rm -r "{fetched}"'


def _extract(root: tarfile.TarFile, member: str, target: Path) -> None:
    with root.extractfile(f"./{member}") as source, target.open("wb") as sink:  # type: ignore[union-attr]
        shutil.copyfileobj(source, sink)
    target.chmod(root.getmember(f"./{member}").mode)
