"""The entry point: arguments to commands. Imports the standard library; each command imports what it needs.

Exit codes: 0 all is well, 1 the stack file has errors, 2 the command line itself is wrong.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    # One short run makes much and frees nothing: collecting cycles on the way only costs (a third of the CPU time).
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        _printable(stream)
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted; what is still to be flushed at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return 130


def _printable(stream: TextIO) -> None:
    """A terminal without UTF-8 gets escapes, not an exception."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="substrate", description="Check stack files without an engine or a cluster.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    check = commands.add_parser("check", help="say everything that is wrong with a stack file")
    check.add_argument("stack", metavar="STACK", help="a stack's name (homelab: Pulumi.homelab.yaml) or its file")
    check.add_argument("--format", choices=("text", "json"), default="text", help="json for machines (default: text)")
    check.set_defaults(run=_check)

    schema = commands.add_parser("schema", help="print the JSON Schema of stack files, for editors")
    schema.set_defaults(run=_schema)
    return parser


def _check(options: argparse.Namespace) -> int:
    from substrate.cli.check import run

    return run(stack_file(options.stack), options.format)


def _schema(options: argparse.Namespace) -> int:
    from substrate.catalog.schema import text

    sys.stdout.write(text())
    return 0


def stack_file(stack: str) -> Path:
    """A stack's name as its file; a path stays one."""
    path = Path(stack)
    names_a_file = path.suffix in (".yaml", ".yml") or len(path.parts) != 1
    if names_a_file or _exists(path):
        return path
    return Path(f"Pulumi.{stack}.yaml")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
