"""The entry point: arguments to commands. Imports options of commands; each command imports what it needs.

Exit codes: 0 all is well, 1 the stack file has errors or `policy` found what stops a run, 2 the command line itself is
wrong or `policy` could not read what it was given.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from substrate.cli import simulate_options

FAILED, MISUSED = 1, 2


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

    needs = commands.add_parser(
        "needs", help="print what a stack needs of its cluster: foundations, engines, front door"
    )
    needs.add_argument("stack", metavar="STACK", help="as for check")
    needs.add_argument("--on", metavar="CONTEXT", help="nothing, where the stack runs on another cluster")
    needs.set_defaults(run=_needs)

    keys = commands.add_parser("keys", help="lines of client=key from standard input, as the front door's Secret")
    keys.set_defaults(run=_keys)
    files = commands.add_parser(
        "files", help="print a folder as the `files:` of a model's weights, each with its sha256"
    )
    files.add_argument("folder", metavar="FOLDER", type=Path, help="as its source will hold it")
    files.set_defaults(run=_files)

    _add_policy(commands)
    simulate_options.add(commands)

    schema = commands.add_parser("schema", help="print the JSON Schema of stack files, for editors")
    schema.set_defaults(run=_schema)
    return parser


def _add_policy(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    policy = commands.add_parser(
        "policy",
        help="judge plain manifests (helm template, kustomize build) by the rules of the policy pack",
        description="Judge Kubernetes manifests by the rules of the policy pack, which policies/README.md lists.",
        epilog="Exit codes: 0 no mandatory finding, 1 at least one, 2 some input could not be read.",
    )
    policy.add_argument(
        "files", metavar="FILE", nargs="*", help="YAML or JSON, a folder of them, or - for standard input"
    )
    policy.add_argument(
        "--admission", action="store_true", help="print the rules that the API server can judge, as its policies"
    )
    policy.add_argument(
        "--format", choices=("text", "sarif", "junit", "json"), default="text", help="of the report (default: text)"
    )
    policy.add_argument("--output", metavar="FILE", type=Path, help="write the report there; text goes to the terminal")
    policy.add_argument(
        "--settings", metavar="FILE", type=Path, help="the pack's settings, as --policy-pack-config has"
    )
    policy.set_defaults(run=_policy)


def _policy(options: argparse.Namespace) -> int:
    from policies.command import run

    if bool(options.files) == options.admission:
        print("error: name the files to judge, or --admission and none (substrate policy --help)", file=sys.stderr)
        return MISUSED
    return run(options)


def _check(options: argparse.Namespace) -> int:
    from substrate.cli.check import run

    return run(stack_file(options.stack), options.format)


def _needs(options: argparse.Namespace) -> int:
    from substrate.cli.needs import run

    return run(stack_file(options.stack), options.on)


def _keys(_options: argparse.Namespace) -> int:
    from substrate.cli.keys import run

    return run(sys.stdin)


def _files(options: argparse.Namespace) -> int:
    from substrate.cli.files import run

    return run(options.folder)


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
