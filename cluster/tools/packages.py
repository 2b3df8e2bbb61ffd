"""Python packages in one folder that can be put anywhere, by a lock, for Debian's Python. Standard library only.

The interpreter that runs pip is another one, so every wheel is chosen for Debian 12's and for its C library.
"""

from __future__ import annotations

import platform
import re
import shlex
import shutil
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.tools.cache import Workspace
from cluster.tools.places import TOOLCHAIN
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

SITE = "site"
_FOREIGN_PYTHON = "bin"  # of a site: scripts whose first line names the Python that ran pip
_GLIBC = 36  # minor version of glibc 2 in Debian 12; wheels for it and older ones run there


def wheels_for_debian() -> list[str]:
    """pip's options that choose wheels for CPython 3.11 of Debian 12 on this machine's kind of processor."""
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC, 4, -1)]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}", "any"]
    chosen = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.11"]
    chosen += [f"--abi={abi}" for abi in ("cp311", "abi3", "none")]
    return chosen + [f"--platform={platform}" for platform in platforms]


def install(lock: Path, target: Path, space: Workspace, runner: Runner) -> None:
    """What `lock` names, and nothing that it does not, into the folder `target`. Raises ToolError."""
    argv = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", f"--requirement={lock}"]
    argv += ["--no-compile", "--disable-pip-version-check", "--progress-bar=off", "--no-warn-script-location"]
    runner.run([*argv, "--no-cache-dir", f"--target={target}", *wheels_for_debian()], cwd=space.work)


@dataclass(frozen=True)
class DebianPython:
    """The Python of an unpacked DebianRoot, run on any Linux: by the root's own loader, with its own libraries."""

    root: Path

    @classmethod
    def unpacked(cls, archived: Path, root: Path) -> DebianPython:
        """Unpack what a DebianRoot made into the folder `root`."""
        with tarfile.open(archived) as archive:
            archive.extractall(root, members=[one for one in archive if not one.isdev()], filter="tar")
        libraries, loader = next(root.glob("usr/lib/*-linux-gnu")), next(root.glob("lib/*-linux-gnu/ld-linux*.so.*"))
        argv = [loader, "--library-path", f"{libraries}:{loader.parent}", root / "usr/bin/python3.11"]
        python = cls(root)
        python.program.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, argv))} "$@"\n')
        python.program.chmod(0o755)
        return python

    @property
    def program(self) -> Path:
        """A script that starts it, so that messages name a Python and not a loader."""
        return self.root / "python3.11"

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONHOME": str(self.root / "usr"), "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class PythonPackages(Recipe):
    """The wheels of a lock in one folder that can be put anywhere, compiled, for the Python of a DebianRoot.

    The lock is `requirements.txt` of `folder` in the toolchain, the version that of `package` in it. `root` is the tool
    that holds this Python: it must be there before.
    """

    folder: str = ""
    package: str = ""
    root: str = ""

    @property
    def version(self) -> str:
        found = re.search(rf"^{re.escape(self.package)}==(\S+)", self._file.read_text(), re.MULTILINE)
        assert found, f"{self._file} has no {self.package}"
        return found[1]

    @property
    def doing(self) -> str:
        return f"fetching {self.package} and what it needs with pip"

    @property
    def _file(self) -> Path:
        return TOOLCHAIN / self.folder / "requirements.txt"

    def parts(self) -> Mapping[str, bytes]:
        return {
            "lock": self._file.read_bytes(),
            "arguments": " ".join(wheels_for_debian()).encode(),
            "compiled": b"1",
        }

    def build(self, space: Workspace, runner: Runner) -> None:
        site = space.out / SITE
        install(self._file, site, space, runner)
        shutil.rmtree(site / _FOREIGN_PYTHON, ignore_errors=True)
        # A layer's files all have time 0, and a container cannot write: bytecode must not ask for its source's time.
        compiled = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(site), str(site)]
        # It ends with 1 where a package ships a file that is no Python (templates): that file stays as it is.
        python = DebianPython.unpacked(runner.tool(self.root), space.work / self.root)
        runner.run([str(python.program), *compiled], cwd=space.work, env=python.environment, accept=(0, 1))
