"""What `substrate simulate` takes. Imports the standard library and values; the command is imported when it runs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from substrate.values import Duration

_BOUNDS = re.compile(r"(\S+?)\.\.(\S+)")
_SHORT = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s)")
_SHORT_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_LONGEST = Duration(1e9)


class Window(NamedTuple):
    """Seconds of the trace, before it is played faster."""

    start: float
    end: float


class Replicas(NamedTuple):
    least: int
    most: int


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "simulate",
        help="replay a trace of requests against a model's plan: waits, replicas, GPU-hours, by way to scale",
        description="Replay a trace of requests against a model's plan: queue wait, replicas, GPU-hours and cost, for "
        "the stack's own way to scale and others. Nothing is started; the engine is a model of one.",
        epilog="Exit codes: 0 simulated, 1 the stack file or the trace has errors, 2 the command line is wrong.",
    )
    parser.add_argument("stack", metavar="STACK", help="as for check")
    parser.add_argument("--model", metavar="MODEL", help="which one; needless where the stack has one language model")
    _add_load(parser)
    _add_plan(parser)
    _add_engine(parser)
    _add_report(parser)
    parser.set_defaults(run=_run)


def _add_load(parser: argparse.ArgumentParser) -> None:
    load = parser.add_argument_group("the load")
    load.add_argument(
        "--trace", metavar="FILE", type=Path, help="CSV with the columns TIMESTAMP, ContextTokens, GeneratedTokens"
    )
    load.add_argument(
        "--rate", metavar="N", type=_positive, default=1.0, help="so many times as many requests a second (default: 1)"
    )
    load.add_argument(
        "--window", metavar="A..B", type=_window, help="only these seconds of the trace, as 0..3500 or 10m..30m"
    )


def _add_plan(parser: argparse.ArgumentParser) -> None:
    plan = parser.add_argument_group("in place of what the stack says")
    plan.add_argument("--replicas", metavar="A..B", type=_replicas, help="at least and at most so many, as 1..8")
    plan.add_argument("--cold-start", metavar="TIME", type=_span, help="from a pod's creation to its readiness, as 60s")
    plan.add_argument(
        "--compare", action="store_true", help="beside the stack's own: fixed numbers, CPU, waiting, in flight"
    )


def _add_engine(parser: argparse.ArgumentParser) -> None:
    engine = parser.add_argument_group("in place of the estimate of the engine's speed")
    engine.add_argument("--step", metavar="TIME", type=_short, help="of an iteration with one request, as 12ms")
    engine.add_argument("--per-sequence", metavar="TIME", type=_short, help="more for each request, as 120us")
    engine.add_argument("--per-kv-token", metavar="TIME", type=_short, help="more for each token held, as 40ns")
    engine.add_argument("--prefill", metavar="N", type=_positive, help="prompt tokens a second, as 14000")
    engine.add_argument("--sequences", metavar="N", type=_count, help="requests that run at once")
    engine.add_argument("--kv-tokens", metavar="N", type=_count, help="tokens that the KV cache holds")


def _add_report(parser: argparse.ArgumentParser) -> None:
    report = parser.add_argument_group("the report")
    report.add_argument(
        "--slo", metavar="TIME", type=_span, default=Duration(2), help="objective of the first token (default: 2s)"
    )
    report.add_argument(
        "--gpu-hour", metavar="PRICE", type=_positive, default=2.5, help="what a GPU costs an hour (default: 2.5)"
    )
    report.add_argument("--picture", metavar="FILE", type=Path, help="draw replicas over time there, as SVG")
    report.add_argument("--format", choices=("text", "json"), default="text", help="json for machines (default: text)")


def _run(options: argparse.Namespace) -> int:
    from substrate.cli.main import stack_file
    from substrate.cli.simulate import run

    return run(stack_file(options.stack), options)


def _checked(parse: Callable[[str], float], text: str, form: str) -> float:
    try:
        value = parse(text)
    except ValueError:
        value = -1.0
    if 0 < value <= _LONGEST:
        return value
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {form}")


def _positive(text: str) -> float:
    return _checked(float, text, "a number above 0")


def _count(text: str) -> int:
    return int(_checked(int, text, "a whole number above 0"))


def _span(text: str) -> Duration:
    return Duration(_checked(Duration.parse, text, "a time: write 60s, 5m or 1h"))


def _short(text: str) -> Duration:
    def parse(text: str) -> float:
        found = _SHORT.fullmatch(text)
        return float(found[1]) * _SHORT_SECONDS[found[2]] if found else -1.0

    return Duration(_checked(parse, text, "a time: write 12ms, 120us or 40ns"))


def _window(text: str) -> Window:
    start, end = _bounds(text, _moment, "a window: write 0..3500 or 10m..30m")
    return Window(start, end)


def _moment(text: str) -> float:
    """Seconds, with or without a unit."""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else Duration.parse(text)


def _replicas(text: str) -> Replicas:
    least, most = _bounds(text, lambda part: int(part) if part.isdecimal() else -1, "replicas: write 1..8", equal=True)
    return Replicas(int(least), int(most))


def _bounds(text: str, parse: Callable[[str], float], form: str, equal: bool = False) -> tuple[float, float]:
    found = _BOUNDS.fullmatch(text)
    try:
        start, end = (parse(found[1]), parse(found[2])) if found else (-1.0, -1.0)
    except ValueError:
        start = end = -1.0
    if 0 <= start <= end <= _LONGEST and end > 0 and (equal or start < end):
        return start, end
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {form}")
