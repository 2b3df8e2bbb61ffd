"""A machine with its own cache and PATH, on which tools are run as a person runs them. Standard library only."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Machine:
    """A place with its own cache and its own PATH, on which nothing is found but what a test puts there."""

    folder: Path

    @property
    def tools(self) -> Path:
        return self.folder / "cache" / "tools"

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    def program(self, name: str, script: str) -> Path:
        """Put a shell script on this machine's PATH."""
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def go(self, build: str, version: str = "go1.26.0") -> None:
        """A go that answers its version and place, and builds by `build` ($out: the folder it is told to fill)."""
        self.program(
            "go",
            f"""echo "$@" >> {self.folder}/go.log
            case "$1 $2" in
              "env GOVERSION") echo {version}; exit;;
              "env GOCACHE") echo {self.folder}/gocache; exit;;
            esac
            while [ "$1" != -o ]; do shift; done; out=$2
            {build}""",
        )

    def builds(self) -> int:
        """How often go was asked to build."""
        log = self.folder / "go.log"
        return sum(line.startswith("build") for line in log.read_text().splitlines()) if log.exists() else 0

    def environment(self, **settings: str) -> dict[str, str]:
        path = f"{self.programs}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(self.folder), "SUBSTRATE_CACHE": str(self.folder / "cache"), **settings}

    def start(self, *arguments: str, module: str = "cluster.tools", **settings: str) -> subprocess.Popen[str]:
        """Start `python -m cluster.tools ...` here."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **settings: str) -> Ended:
        """Run it to the end."""
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=60)
        return Ended(process.returncode, out, err)

    def leftovers(self) -> list[str]:
        """What looks like a build that did not end."""
        return [path.name for path in self.tools.glob(".*") if ".tmp-" in path.name] if self.tools.exists() else []


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


def executable(file: Path) -> Path:
    """An empty program."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file
