"""Recipes for programs and files of Go modules, made by the user's own go. Imports the standard library only."""

from __future__ import annotations

import functools
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.tools import pins, process
from cluster.tools.cache import Workspace
from cluster.tools.errors import ToolError, failed
from cluster.tools.places import TOOLCHAIN
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

# Settings of the user that would change what is built, or where from beside the pinned module.
_GO_UNSET = ("GOFLAGS", "GOOS", "GOARCH", "GOEXPERIMENT", "GO111MODULE", "GOBIN")

# A fourteenth of a build's time: nothing for a debugger, which the linker would leave out, and less collecting of
# garbage. What is built does the same, so neither belongs to what a tool is known by in the cache.
_UNDEBUGGED, _GARBAGE = "-gcflags=all=-dwarf=false", "200"


def go_environment() -> dict[str, str]:
    """The environment for a pinned, static, reproducible build; proxies, caches and toolchain stay the user's."""
    kept = {name: value for name, value in os.environ.items() if name not in _GO_UNSET}
    return kept | {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}


@functools.cache
def go_version(directive: str, module: Path) -> str | None:
    """The version of the go that builds modules with this `go` line; None where no go can."""
    return process.answer(["go", "env", "GOVERSION"], cwd=module, env=go_environment()) if directive else None


@dataclass(frozen=True)
class GoProgram(Recipe):
    """Programs of one pinned module under cluster/toolchain; `packages` are import paths, `tags` go's for all."""

    release: str = ""
    module: str = ""
    packages: tuple[str, ...] = ()
    ldflags: str = "-s -w"
    tags: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return self.release

    @property
    def doing(self) -> str:
        return f"building {', '.join(self.outputs)} with go"

    @property
    def home(self) -> Path:
        return TOOLCHAIN / self.module

    @property
    def asks(self) -> tuple[str, ...]:
        return ("go", "env", "GOVERSION")

    def parts(self) -> Mapping[str, bytes]:
        files = {path.name: path.read_bytes() for path in self.home.iterdir() if path.suffix in (".go", ".mod", ".sum")}
        arguments = [self.packages, self.ldflags, *([self.tags] if self.tags else [])]
        return files | {"arguments": json.dumps(arguments).encode()}

    def compiler(self) -> str | None:
        lines = (self.home / "go.mod").read_text().splitlines()
        return go_version(next((line for line in lines if line.startswith("go ")), ""), self.home)

    def build(self, space: Workspace, runner: Runner) -> None:
        tags = ["-tags", ",".join(self.tags)] if self.tags else []
        flags = [_UNDEBUGGED, "-trimpath", *tags, "-ldflags", self.ldflags]
        argv = ["go", "build", *flags, "-o", f"{space.out}/", *self.packages]
        # Go's scratch folder dies with ours even when go is killed, which it leaves behind otherwise.
        runner.run(argv, cwd=self.home, env=go_environment() | {"GOTMPDIR": str(space.work), "GOGC": _GARBAGE})


@dataclass(frozen=True)
class GoModuleFiles(Recipe):
    """Files of a folder of a module's zip; its sum is pinned in cluster/toolchain, whatever go thinks of its go.mod."""

    module: str = ""
    path: str = ""
    folder: str = ""

    @property
    def version(self) -> str:
        return self._pin[0].removeprefix("v")

    @property
    def doing(self) -> str:
        return f"fetching {self.folder} of {self.path} with go"

    @property
    def _pin(self) -> tuple[str, str]:
        """The module's version and the sum of its zip."""
        return pins.go_sum(TOOLCHAIN / self.module / "go.sum", self.path)

    @property
    def asks(self) -> tuple[str, ...]:
        return ("go", "version")

    def compiler(self) -> str | None:
        return "" if shutil.which("go") else None

    def parts(self) -> Mapping[str, bytes]:
        return {"pin": "\n".join(self._pin).encode(), "folder": self.folder.encode()}

    def build(self, space: Workspace, runner: Runner) -> None:
        version, wanted = self._pin
        module = self._download(version, space, runner)
        if module["Sum"] != wanted:
            raise ToolError(
                f"{self.title}: the module's sum is {module['Sum']}, pinned is {wanted}",
                remedy="do not use it; if the pin is to change, edit go.sum in cluster/toolchain",
            )
        prefix = f"{self.path}@{version}/{self.folder}/"
        with zipfile.ZipFile(module["Zip"]) as archive:
            for member in archive.namelist():
                if member.startswith(prefix):
                    _write(space.out / self.outputs[0] / member.removeprefix(prefix), archive.read(member))

    def _download(self, version: str, space: Workspace, runner: Runner) -> dict[str, str]:
        """What go says of the module. It fetches the zip, and fails all the same, where go.mod asks for a newer go."""
        answer = space.work / "module.json"
        argv = ["go", "mod", "download", "-json", f"{self.path}@{version}"]
        runner.run(argv, cwd=space.work, env=go_environment(), output=answer, accept=(0, 1))
        module: dict[str, str] = json.loads(answer.read_text() or "{}")
        if "Zip" not in module:
            runner.log.write_text(module.get("Error", runner.log.read_text()))
            raise failed(f"{self.title}: go did not get the module", runner.log, "go")
        return module


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
