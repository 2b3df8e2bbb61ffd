"""The recipe for the example's bentos, built by the real `bentoml build`.

Imports the standard library only.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.tools import packages
from cluster.tools.cache import Workspace
from cluster.tools.places import TOOLCHAIN
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

_LOCKS = TOOLCHAIN / "bentoml"
_REPOSITORY = TOOLCHAIN.parent.parent
_EXAMPLE = _REPOSITORY / "examples" / "bento"
_NO_TIME = "creation_time: '2026-01-01T00:00:00+00:00'"


@dataclass(frozen=True)
class ExampleBentos(Recipe):
    """The bentos of examples/bento, the same bytes from the same sources: a stack file can pin their digests.

    `packages` is the tool that holds BentoML, `root` the one with its Python: both must be there before.
    """

    bentos: tuple[str, ...] = ()
    release: str = ""
    packages: str = ""
    root: str = ""

    @property
    def version(self) -> str:
        return self.release

    @property
    def doing(self) -> str:
        return "training the example's model, running bentoml build"

    def parts(self) -> Mapping[str, bytes]:
        sources = (*sorted(_EXAMPLE.rglob("*.py")), *sorted(_EXAMPLE.rglob("*.yaml")), *sorted(_EXAMPLE.glob("*.txt")))
        locks = sorted(_LOCKS.glob("*.txt"))
        return {path.relative_to(_REPOSITORY).as_posix(): path.read_bytes() for path in (*sources, *locks)}

    def build(self, space: Workspace, runner: Runner) -> None:
        context, programs = space.work / "context", space.work / "programs"
        runner.run([sys.executable, "-m", "examples.bento.make", str(context)], cwd=_REPOSITORY)
        packages.install(_LOCKS / "build-requirements.txt", programs, space, runner)
        python = packages.DebianPython.unpacked(runner.tool(self.root), space.work / self.root)
        environment = {
            **python.environment,
            "PATH": f"{programs / 'bin'}:{os.defpath}",
            "PYTHONPATH": str(runner.tool(self.packages)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(space.work),
            "BENTOML_HOME": str(space.work / "home"),
            "BENTOML_DO_NOT_TRACK": "True",
        }
        for bento in self.bentos:
            command = ["build", f"--bentofile={bento}.yaml", f"--name={bento}", f"--version={self.release}"]
            runner.run([str(python.program), "-m", "bentoml", *command], cwd=context, env=environment)
            built = space.work / "home" / "bentos" / bento / self.release
            _forget_time(built / "bento.yaml")
            built.rename(space.out / bento)


def _forget_time(description: Path) -> None:
    """Give the bento a fixed time of creation: it is all that differs from one build to the next."""
    description.write_text(
        re.sub(r"^creation_time: .*$", _NO_TIME, description.read_text(), count=1, flags=re.MULTILINE)
    )
