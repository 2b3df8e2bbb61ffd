"""What runs came to: one row for each way to scale, as a table and as plain data. Imports its room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from substrate.simulate.metrics import quantile
from substrate.simulate.run import Run


@dataclass(frozen=True, slots=True)
class Price:
    """`gpus` of one replica, 0 on CPUs; `gpu_hour` is what one of them costs."""

    gpus: int
    gpu_hour: float


@dataclass(frozen=True, slots=True)
class Row:
    """Times are in seconds; `within` is the share of requests whose first token came within the objective.

    Requests that were cut off or refused wait for no one and count as not within it. `cost` and `gpu_hours` are None on
    CPUs.
    """

    name: str
    wait_p50: float
    wait_p95: float
    wait_p99: float
    first_token_p95: float
    within: float
    replicas_mean: float
    replicas_max: int
    changes: int
    replica_seconds: float
    gpu_hours: float | None
    cost: float | None
    requests: int
    answered: int
    cut: int
    refused: int
    preempted: int
    end: float


def row(run: Run, price: Price, objective: float) -> Row:
    """The figures of one run."""
    waits = [request.admitted - request.arrival for request in run.requests if request.admitted is not None]
    firsts = [request.first_token - request.arrival for request in run.requests if request.first_token is not None]
    hours = run.replica_seconds * price.gpus / 3600 if price.gpus else None
    everyone = len(run.requests) + run.refused
    return Row(
        name=run.choice.name,
        wait_p50=quantile(waits, 0.5),
        wait_p95=quantile(waits, 0.95),
        wait_p99=quantile(waits, 0.99),
        first_token_p95=quantile(firsts, 0.95),
        within=sum(first <= objective for first in firsts) / everyone if everyone else 0.0,
        replicas_mean=run.replica_seconds / run.end if run.end else float(run.choice.least),
        replicas_max=max(count for _, count in run.changes),
        changes=len(run.changes) - 1,
        replica_seconds=run.replica_seconds,
        gpu_hours=hours,
        cost=None if hours is None else hours * price.gpu_hour,
        requests=everyone,
        answered=sum(request.end is not None for request in run.requests),
        cut=len(run.cut),
        refused=run.refused,
        preempted=run.preempted,
        end=run.end,
    )


def _columns(objective: str) -> Sequence[tuple[str, str, Callable[[Row], str]]]:
    """Two lines of header, and a cell."""
    return (
        ("", "scaling", lambda row: row.name),
        ("queue wait", "p50", lambda row: span(row.wait_p50)),
        ("", "p95", lambda row: span(row.wait_p95)),
        ("", "p99", lambda row: span(row.wait_p99)),
        ("first token", "p95", lambda row: span(row.first_token_p95)),
        ("", f"in {objective}", lambda row: share(row.within)),
        ("replicas", "mean", lambda row: f"{row.replicas_mean:.2f}"),
        ("", "max", lambda row: str(row.replicas_max)),
        ("", "changes", lambda row: str(row.changes)),
        ("", "seconds", lambda row: f"{row.replica_seconds:,.0f}"),
        ("", "GPU-hours", lambda row: "-" if row.gpu_hours is None else f"{row.gpu_hours:.2f}"),
        ("", "cost", lambda row: "-" if row.cost is None else f"{row.cost:.2f}"),
    )


def table(rows: Sequence[Row], objective: str) -> str:
    """Aligned columns for a terminal, the first to the left."""
    columns = _columns(objective)
    lines = [[group for group, _, _ in columns], [name for _, name, _ in columns]]
    lines += [[cell(each) for _, _, cell in columns] for each in rows]
    # A group's name may run into the columns of its group.
    widths = [max(len(line[place]) for line in lines[1:]) for place in range(len(columns))]
    return "\n".join([_group_line(lines[0], widths), *(_line(line, widths) for line in lines[1:])])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def _group_line(groups: Sequence[str], widths: Sequence[int]) -> str:
    line = ""
    at = 0
    for group, width in zip(groups, widths, strict=True):
        line = line.ljust(at) + group
        at += width + 2
    return line.rstrip()


def span(seconds: float) -> str:
    """A wait for people: `30 ms`, `4.2 s`, `918 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 99.95 else f"{seconds:,.0f} s"


def share(part: float) -> str:
    """Percent, never rounded up to all: `99.9 %` of a thousand where one is missing."""
    return f"{int(part * 1000) / 10:.1f} %"


def as_data(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as JSON has them: rounded, so that the same run gives the same text everywhere."""
    return [
        {_camel(key): round(value, 4) if isinstance(value, float) else value for key, value in asdict(row).items()}
        for row in rows
    ]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
