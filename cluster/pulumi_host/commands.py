"""The command lines and environments of programs and policy packs, as pure functions. Imports Pulumi's stubs.

Raises UnusableProgramError where a program cannot be started; its text is for the user.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi.runtime.proto import language_pb2 as pb

from .installation import CLONE

# The runner's exit status for "the error was shown already": the engine then adds nothing (as in the official host).
BAIL = 32
_RUNNER = Path(__file__).with_name("runner.py")
# Linux's MAX_ARG_STRLEN: 32 pages for one string of an environment, its name and the closing zero included.
_MAX_VARIABLE_BYTES = 32 * 4096


class UnusableProgramError(Exception):
    """The program cannot be started; the text is for the user."""


def interpreter(info: pb.ProgramInfo) -> Path:
    """The Python that a project asks for with `runtime.options.virtualenv`, else this one.

    Raises UnusableProgramError where the environment it names does not exist.
    """
    name = info.options.fields["virtualenv"].string_value if "virtualenv" in info.options.fields else ""
    if not name:
        return Path(sys.executable)
    folder = Path(os.path.normpath(Path(info.root_directory) / name))
    python = folder / "bin" / "python"
    if not python.exists():
        raise UnusableProgramError(
            f"its virtual environment {folder} (runtime.options.virtualenv: {name}) has no bin/python; "
            "make it (`make` does in Substrate's clone), or take the option out of the project file"
        )
    return python


def run_command(python: Path, request: pb.RunRequest, engine_address: str) -> list[str]:
    """The runner's command line. The program is the folder, or the file, that the project's `main` names."""
    program = Path(request.info.program_directory) / (request.info.entry_point or ".")
    options = {
        "--monitor": request.monitor_address,
        "--engine": engine_address,
        "--project": request.project,
        "--stack": request.stack,
        "--organization": request.organization,
        "--root-directory": request.info.root_directory,
        "--parallel": str(request.parallel),
        "--directory": request.pwd or request.info.program_directory,
    }
    flags = [f"{name}={value}" for name, value in options.items() if value]
    return [
        str(python), "-u", str(_RUNNER), *flags, *(["--dry-run"] if request.dryRun else []),
        "--", os.path.normpath(program), *request.args,
    ]  # fmt: skip


def run_environment(ambient: Mapping[str, str], request: pb.RunRequest) -> dict[str, str]:
    """The environment of a program: the ambient one and the stack's configuration, as the SDK reads it.

    Raises UnusableProgramError for a configuration that Linux cannot hand over in one variable.
    """
    values = {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }
    for name, value in values.items():
        _check_fits(name, value)
    return own_path_removed(ambient) | values


def pack_command(request: pb.RunPluginRequest) -> list[str]:
    """How the SDK starts a policy pack: the engine's arguments, then the pack's folder."""
    python = interpreter(request.info)
    return [str(python), "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]


def pack_environment(request: pb.RunPluginRequest) -> dict[str, str]:
    """The environment that the engine sent, which is its own with what it adds for the pack."""
    sent = dict(entry.split("=", 1) for entry in request.env if "=" in entry)
    return sent or own_path_removed(os.environ)


def own_path_removed(environment: Mapping[str, str]) -> dict[str, str]:
    """Without the clone at the head of PYTHONPATH: the executable put it there for this host, not for the program."""
    head, _, rest = environment.get("PYTHONPATH", "").partition(os.pathsep)
    others = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    kept = rest if head == str(CLONE) else environment.get("PYTHONPATH", "")
    return others | ({"PYTHONPATH": kept} if kept else {})


def run_response(status: int) -> pb.RunResponse:
    """What the engine is told of a program that ended with `status` (negative: a signal)."""
    if status == 0:
        return pb.RunResponse()
    if status == BAIL:
        return pb.RunResponse(bail=True)
    how = f"was ended by signal {-status}" if status < 0 else f"exited with non-zero exit code: {status}"
    return pb.RunResponse(error=f"Program {how}")


def _check_fits(name: str, value: str) -> None:
    size = len(name) + len("=") + len(value.encode()) + 1
    if size > _MAX_VARIABLE_BYTES:
        raise UnusableProgramError(
            f"the stack's configuration takes {size // 1024} KiB as JSON, and Pulumi hands it to Python in the "
            f"variable {name}, which Linux limits to {_MAX_VARIABLE_BYTES // 1024} KiB; "
            "split the models over several stacks"
        )
