"""The command line: `python -m stager --listing FILE --volume DIR`; exit codes in docs/architecture.md."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from stager import lease, listing
from stager.errors import Interrupted, StagerError
from stager.report import conclude
from stager.stage import Options, check, plan, stage
from stager.volume import Volume


def main(arguments: list[str] | None = None) -> int:
    """Stage, and say on the last line what happened; the exit code."""
    given = _parser().parse_args(arguments)
    _on_signals(_interrupt)
    try:
        code, lines = 0, [_run(given)]
    except StagerError as error:
        code, lines = error.code, error.lines()
    except Exception as error:
        code, lines = 1, [f"the stager itself failed: {type(error).__name__}: {error} (--debug shows where)"]
        if given.debug:
            traceback.print_exc()
    _on_signals(signal.SIG_IGN)  # it is over: only the last word is still to be said
    conclude(lines)
    return code


def _on_signals(action: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, action)


def _run(given: argparse.Namespace) -> str:
    wanted = listing.read(given.listing)
    options = Options(Volume(given.volume), given.parallel, given.lease_seconds, progress_every=given.progress_every)
    if given.verify:
        return check(wanted, options.volume)
    return plan(wanted, options) if given.plan else stage(wanted, options)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    _on_signals(signal.SIG_IGN)
    raise Interrupted(
        f"interrupted by {signal.Signals(number).name}; partial data is kept, the next run goes on from it"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stager", description="Stage one set of weights onto a volume.")
    parser.add_argument("--listing", type=Path, required=True, help="the JSON listing of the set")
    parser.add_argument("--volume", type=Path, required=True, help="the weights volume")
    parser.add_argument("--parallel", type=_count, default=8, help="requests at once (default 8)")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--plan", action="store_true", help="say what would be fetched; write nothing")
    mode.add_argument("--verify", action="store_true", help="hash the published set again; ask no source")
    parser.add_argument(
        "--lease-seconds",
        type=_seconds,
        default=lease.DEFAULT_SECONDS,
        help=f"silence after which another stager may take over (default {lease.DEFAULT_SECONDS:.0f})",
    )
    parser.add_argument(
        "--progress-every", type=_seconds, default=5.0, help="seconds between progress lines (default 5)"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    return parser


def _count(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 64:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected 1 to 64, got {text!r}")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if 0.1 <= value <= 3600:
        return value
    raise argparse.ArgumentTypeError(f"expected seconds from 0.1 to 3600, got {text!r}")


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a thread may still be inside a read of a source that has gone silent
