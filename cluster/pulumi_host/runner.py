"""Runs one Pulumi program against an engine and reports how it failed. Imports Pulumi's SDK, nothing beside it.

Started by file name in the program's own interpreter, so it must not import its neighbours. Exit status: 0 done,
32 failed with the error already shown, else what the program itself exited with.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import pulumi
import pulumi.runtime

SHOWN = 32
INTERRUPTED = 130
_USER_ERRORS = (pulumi.RunError, pulumi.InputPropertyError, pulumi.InputPropertiesError)


def main(arguments: list[str]) -> int:
    """Connect to the engine, run the program, report. Returns the exit status."""
    options = _parse(arguments)
    _configure(options)
    program = Path(options.program)
    sys.argv = [options.program, *options.arguments]
    # Python put this file's folder first; the program's own belongs there, and stays for imports made in an `apply`.
    sys.path[0] = str(program if program.is_dir() else program.parent)
    os.chdir(options.directory)
    try:
        _run(program, options.parallel)
    except _USER_ERRORS as error:
        return _show(str(error))
    except SystemExit as exit_:
        return _exit_status(exit_)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return _show(f"Program failed with an unhandled exception:\n{_users_traceback(error, program)}")
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pulumi-program-runner", allow_abbrev=False)
    for name in ("monitor", "engine", "project", "stack", "organization", "root-directory"):
        parser.add_argument(f"--{name}", default=None)
    parser.add_argument("--directory", default=".", help="working directory of the program")
    parser.add_argument("--parallel", type=int, default=1, help="resource operations at once")
    parser.add_argument("--dry-run", action="store_true", help="a preview")
    parser.add_argument("program", help="the folder with __main__.py, or a file")
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args(arguments)


def _configure(options: argparse.Namespace) -> None:
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=options.project,
            stack=options.stack,
            organization=options.organization,
            root_directory=options.root_directory,
            monitor=options.monitor,
            engine=options.engine,
            parallel=options.parallel,
            dry_run=options.dry_run,
        )
    )


def _run(program: Path, parallel: int) -> None:
    """The program as `__main__`, inside the stack's resource, until every registration has been answered."""
    if program.is_dir() and not (program / "__main__.py").exists():
        raise pulumi.RunError(
            f"{program} holds no __main__.py; write one, or name the program's file in Pulumi.yaml's `main`"
        )
    # A failed run leaves futures unread on purpose; asyncio's complaints about them would bury the error.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with ThreadPoolExecutor(
        max_workers=4 * max(parallel, 1)
    ) as executor:  # 4 a resource operation, as the official host
        loop.set_default_executor(executor)
        try:
            loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _as_main(program)))
        finally:
            loop.close()


def _as_main(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def _show(message: str) -> int:
    """Through the engine, which puts it among the diagnostics: printed lines are only information there."""
    pulumi.log.error(message)
    return SHOWN


def _exit_status(exit_: SystemExit) -> int:
    """As Python itself treats it: none is success, a number is the status, anything else is a message and failure."""
    if exit_.code is None:
        return 0
    return exit_.code if isinstance(exit_.code, int) else _show(str(exit_.code))


def _users_traceback(error: Exception, program: Path) -> str:
    """From the program's first line on: the frames of this runner and of runpy tell the user nothing."""
    return "".join(traceback.format_exception(type(error), error, _from_program(error.__traceback__, program)))


def _from_program(frames: TracebackType | None, program: Path) -> TracebackType | None:
    home = program if program.is_dir() else program.parent
    frame = frames
    while frame is not None and not Path(frame.tb_frame.f_code.co_filename).is_relative_to(home):
        frame = frame.tb_next
    return frame or frames


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    sys.exit(status)
