"""`substrate simulate`: a trace against a model's plan. Imports the catalogue, the plan and the simulation."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

from substrate import fit
from substrate.catalog import CatalogError, load
from substrate.catalog.model import Catalog
from substrate.catalog.spelling import nearest
from substrate.plan import plan_stack
from substrate.plan.types import ModelPlan, ServerPlan, StackPlan
from substrate.simulate import planned, speeds
from substrate.simulate.choices import Choice, comparison
from substrate.simulate.picture import draw
from substrate.simulate.report import Price, Row, as_data, row, table
from substrate.simulate.run import Run, Setting, simulate
from substrate.simulate.speeds import Estimate
from substrate.simulate.trace import COLUMNS, Trace, TraceError, read

_EXAMPLE = "examples/traces/azure-llm-2023-conv.csv"
_DAY = 86_400.0
_LONGEST = 31 * _DAY
_PATIENCE = 2.0  # seconds without a word, after which it says how far it is
_OPENAI = "openai"
# The options that stand for a field of the engine's speed.
_WRITTEN = ("step", "per_sequence", "per_kv_token", "prefill", "sequences", "kv_tokens")


class Failure(Exception):
    """What a person can act on."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is simulated: a model of a server, with its engine's speed."""

    stack: str
    server: ServerPlan
    model: ModelPlan
    estimate: Estimate
    bounds: planned.Bounds


def run(path: Path, options: argparse.Namespace) -> int:
    """Print what came of it; 1, with the reason, where the stack file or the trace does not allow one."""
    try:
        subject = _subject(path, options)
        trace = _trace(options)
        setting = planned.setting(
            subject.server, subject.estimate.speed, subject.model.context or 0, options.cold_start
        )
        choices = _choices(subject, options.compare)
        runs = _simulated(trace, choices, setting)
        rows = [row(each, Price(subject.server.resources.gpus, options.gpu_hour), options.slo) for each in runs]
        _drawn(options.picture, subject, trace, runs, rows)
    except CatalogError as error:
        print(error, file=sys.stderr)
        return 1
    except (Failure, TraceError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    report = _as_json if options.format == "json" else _as_text
    print(report(subject, trace, setting, rows, options))
    return 0


def _subject(path: Path, options: argparse.Namespace) -> Subject:
    catalog = load(path)
    stack = path.stem.removeprefix("Pulumi.")
    plan = plan_stack(catalog, stack)
    server, model = _model(plan, options.model)
    written = options.replicas
    bounds = planned.Bounds(*written) if written else planned.Bounds(server.min_replicas, server.max_replicas)
    return Subject(stack, server, model, _estimate(catalog, server, model, options), bounds)


def _model(plan: StackPlan, name: str | None) -> tuple[ServerPlan, ModelPlan]:
    everything = {model.name: (server, model) for server in plan.servers for model in server.models}
    language = {each: found for each, found in everything.items() if _has_tokens(found[1])}
    if name is None:
        if len(language) == 1:
            return next(iter(language.values()))
        raise Failure(
            f"the stack has {len(language)} language models: name one with --model: {_names(language)}"
            if language
            else "the stack has no language model; a simulation counts the tokens of requests"
        )
    if name not in everything:
        near = nearest(name, sorted(everything))
        raise Failure(
            f"no model `{name}`" + (f"; is `{near}` meant?" if near else f": {', '.join(sorted(everything))}")
        )
    if name not in language:
        raise Failure(
            f"`{name}` has no tokens to count: {everything[name][0].engine.name} serves it as no language model, and "
            "what an answer of its costs stands in no trace of prompts and answers"
        )
    return language[name]


def _names(models: Iterable[str]) -> str:
    return ", ".join(sorted(models))


def _has_tokens(model: ModelPlan) -> bool:
    return model.context is not None and model.endpoint == _OPENAI


def _estimate(catalog: Catalog, server: ServerPlan, model: ModelPlan, options: argparse.Namespace) -> Estimate:
    architecture = catalog.models[model.name].architecture
    parameters = _count(architecture.parameters) if architecture else None
    try:
        found = speeds.estimate(server, model, fit.load_of(catalog, model.name), parameters)
    except ValueError as error:
        raise Failure(f"{error}: its engine's speed cannot be estimated") from None
    return found.with_written(**{name: getattr(options, name) for name in _WRITTEN})


def _count(parameters: str) -> float:
    """`7.6B` as a number."""
    return float(Decimal(parameters[:-1]) * {"M": 10**6, "B": 10**9, "T": 10**12}[parameters[-1]])


def _trace(options: argparse.Namespace) -> Trace:
    if options.trace is None:
        raise Failure(f"name a trace with --trace: a CSV of {', '.join(COLUMNS)}. {_EXAMPLE} is a public one")
    trace = read(options.trace)
    if options.window:
        trace = trace.between(*options.window)
    trace = trace.faster(options.rate)
    if trace.seconds > _LONGEST:
        raise Failure(
            f"{trace.name} lasts {trace.seconds / _DAY:,.0f} days: {_LONGEST / _DAY:.0f} are simulated at most; "
            "--window cuts it, --rate plays it faster"
        )
    return trace


def _choices(subject: Subject, compare: bool) -> list[Choice]:
    """The stack's own first; of several that are alike one."""
    try:
        own = planned.own(subject.server, subject.bounds)
    except ValueError as error:
        if not compare:
            raise Failure(f"{error}; --compare simulates other ways to scale") from None
        return _different(comparison(subject.bounds.least, subject.bounds.most))
    return _different([own, *comparison(subject.bounds.least, subject.bounds.most)]) if compare else [own]


def _different(choices: Sequence[Choice]) -> list[Choice]:
    """Where least and most are one number nothing scales, and every choice is that number."""
    seen: dict[object, Choice] = {}
    for choice in choices:
        scaled = choice.least != choice.most
        seen.setdefault(choice.name if scaled else choice.least, choice)
    return list(seen.values())


def _simulated(trace: Trace, choices: Sequence[Choice], setting: Setting) -> list[Run]:
    """Each in turn; what takes longer than a moment says on standard error how far it is."""
    watch = _Progress(len(choices), trace.seconds)
    runs: list[Run] = []
    for choice in choices:
        watch.at(len(runs), 0.0)
        runs.append(simulate(trace, choice, setting, partial(watch.at, len(runs))))
    watch.end()
    return runs


class _Progress:
    """One line that is written over, on a terminal; a line a minute elsewhere."""

    def __init__(self, count: int, seconds: float) -> None:
        self.count, self.seconds = count, max(seconds, 1.0)
        self.last = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.said = False

    def at(self, done: int, now: float) -> None:
        passed = time.monotonic() - self.last
        if passed < (_PATIENCE if self.terminal or not self.said else 60):
            return
        self.last, self.said = time.monotonic(), True
        part = (done + min(1.0, now / self.seconds)) / self.count
        end = "\r" if self.terminal else "\n"
        print(f"simulating: {done + 1} of {self.count}, {part:.0%} of all", end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.said and self.terminal:
            print(" " * 60, end="\r", file=sys.stderr, flush=True)


def _drawn(path: Path | None, subject: Subject, trace: Trace, runs: Sequence[Run], rows: Sequence[Row]) -> None:
    if path is None:
        return
    title = f"{subject.model.name} of {subject.stack}: {len(trace.arrivals):,} requests of {trace.name}"
    try:
        path.write_text(draw(trace, runs, rows, title), encoding="utf-8")
    except OSError as error:
        raise Failure(f"--picture {path}: {error.strerror or error}") from error


def _as_text(subject: Subject, trace: Trace, setting: Setting, rows: Sequence[Row], options: argparse.Namespace) -> str:
    paragraphs = [
        _headline(subject, setting),
        _load(trace),
        "engine, as estimated:\n" + "\n".join(_reasons(subject.estimate)),
        table(rows, f"{options.slo:g} s"),
        "\n".join(_notes(subject, trace, rows, options)),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _headline(subject: Subject, setting: Setting) -> str:
    server, gpus = subject.server, subject.server.resources.gpus
    size = f"{gpus} GPU{'s' if gpus > 1 else ''} a replica" if gpus else f"{server.resources.cpus} cores a replica"
    return (
        f"{subject.model.name} of {subject.stack}: {server.engine.name} on {server.pool.name} ({size}), "
        f"{subject.bounds.least} to {subject.bounds.most} replicas, cold start {setting.cold_start:.0f} s"
    )


def _load(trace: Trace) -> str:
    count = len(trace.arrivals)
    prompts = sum(arrival.context for arrival in trace.arrivals) / count
    answers = sum(arrival.generated for arrival in trace.arrivals) / count
    return (
        f"{trace.name}: {count:,} requests in {_length(trace.seconds)}, {_often(count, trace.seconds)}; "
        f"prompts of {prompts:,.0f} tokens, answers of {answers:,.0f}"
    )


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 3 * 3600 else f"{seconds / 3600:,.0f} hours"


def _often(count: int, seconds: float) -> str:
    rate = count / max(seconds, 1.0)
    return f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.1f} a minute"


def _reasons(estimate: Estimate) -> list[str]:
    widths = [max(len(getattr(each, part)) for each in estimate.reasons) for part in ("what", "value")]
    return [
        f"  {each.what.ljust(widths[0])}  {each.value.rjust(widths[1])}  {each.source}" for each in estimate.reasons
    ]


def _notes(subject: Subject, trace: Trace, rows: Sequence[Row], options: argparse.Namespace) -> list[str]:
    """What a reader must know to read the table rightly."""
    first = rows[0]
    notes = []
    if first.refused:
        notes.append(
            f"{first.refused:,} of {first.requests:,} requests are longer than the model's context of "
            f"{subject.model.context:,} tokens: the engine refuses them, here too"
        )
    for each in rows:
        if each.cut:
            notes.append(f"{each.name}: {each.cut:,} requests were cut off when their pod's grace was over")
        if each.preempted:
            notes.append(f"{each.name}: {each.preempted:,} times a full KV cache sent a request back into the queue")
    if subject.bounds.least == subject.bounds.most:
        notes.append(
            f"least and most replicas are both {subject.bounds.least}: nothing scales; "
            "--replicas 1..8 shows what more would do"
        )
    notes += _room(subject)
    if first.cost is not None:
        notes.append(f"a GPU is priced at {options.gpu_hour:g} an hour; starting and draining pods hold theirs too")
    return [f"note: {note}" for note in notes]


def _room(subject: Subject) -> list[str]:
    """Replicas that were asked for by hand and that the pool does not hold."""
    pool, gpus = subject.server.pool, subject.server.resources.gpus
    there = len(pool.nodes) * pool.gpus_per_node
    if not gpus or subject.bounds.most * gpus <= there:
        return []
    return [f"{subject.bounds.most} replicas take {subject.bounds.most * gpus} GPUs, and pool {pool.name} has {there}"]


def _as_json(subject: Subject, trace: Trace, setting: Setting, rows: Sequence[Row], options: argparse.Namespace) -> str:
    data = {
        "stack": subject.stack,
        "model": subject.model.name,
        "trace": {"name": trace.name, "requests": len(trace.arrivals), "seconds": round(trace.seconds, 3)},
        "replicas": {"least": subject.bounds.least, "most": subject.bounds.most},
        "coldStart": setting.cold_start,
        "engine": asdict(subject.estimate.speed),
        "objective": float(options.slo),
        "choices": as_data(rows),
    }
    return json.dumps(data, indent=2)
