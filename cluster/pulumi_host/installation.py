"""Puts the language host where the engine finds it: an executable with its name. Imports the standard library only."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

EXECUTABLE = "pulumi-language-python"
CLONE = Path(__file__).resolve().parents[2]


def install(bin_dir: Path) -> None:
    """Write `bin_dir/pulumi-language-python`, which runs this clone's host with this clone's interpreter.

    The paths are this clone's, so `bin_dir` must be untracked and is written again after the clone moved. Only for
    machines without the official host: the caller looks first.
    """
    bin_dir.mkdir(parents=True, exist_ok=True)
    target = bin_dir / EXECUTABLE
    draft = target.with_name(f".{EXECUTABLE}.{os.getpid()}")
    draft.write_text(_script(CLONE, _interpreter(CLONE)), encoding="utf-8")
    draft.chmod(0o755)
    draft.replace(target)  # another run may be executing the old one


def _interpreter(clone: Path) -> Path:
    in_clone = clone / ".venv" / "bin" / "python"
    return in_clone if in_clone.exists() else Path(sys.executable)


def _script(clone: Path, python: Path) -> str:
    return (
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(clone))}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        "export PYTHONPATH\n"
        f'exec {shlex.quote(str(python))} -u -m cluster.pulumi_host "$@"\n'
    )
