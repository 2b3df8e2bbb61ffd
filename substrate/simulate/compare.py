"""A simulation beside what was recorded of a real run: how far they agree. Imports its room.

A record is JSON: `samples`, each with `time` (seconds from the trace's begin), `replicas`, `waiting` and `inFlight`;
`waits`, the queue wait of each request in seconds; and `replicaSeconds`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from substrate.simulate.metrics import quantile
from substrate.simulate.run import Run

# Below this a wait is one iteration of the engine, and a ratio says nothing.
_NO_WAIT = 0.05


class Recorded(NamedTuple):
    """One sample of a real run."""

    time: float
    replicas: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a simulation agrees with a record.

    `within_one` is the share of the record's samples at which both have the same replicas, or differ by one;
    `wait_ratio` the larger 95th percentile of the queue wait over the smaller, both taken as 50 ms at least;
    `replica_seconds_ratio` simulated over recorded.
    """

    samples: int
    within_one: float
    recorded_wait: float
    simulated_wait: float
    wait_ratio: float
    replica_seconds_ratio: float


def agreement(record: Mapping[str, Any], run: Run) -> Agreement:
    """Compare; raises ValueError for a record that lacks what is compared, naming it."""
    lacking = [key for key in ("samples", "waits", "replicaSeconds") if not record.get(key)]
    if lacking:
        raise ValueError(f"the record has no {' and no '.join(lacking)}")
    samples = [Recorded(float(each["time"]), int(each["replicas"])) for each in record["samples"]]
    recorded = quantile([float(wait) for wait in record["waits"]], 0.95)
    simulated = quantile([r.admitted - r.arrival for r in run.requests if r.admitted is not None], 0.95)
    low, high = sorted(max(_NO_WAIT, wait) for wait in (recorded, simulated))
    return Agreement(
        samples=len(samples),
        within_one=within_one(samples, run.changes),
        recorded_wait=recorded,
        simulated_wait=simulated,
        wait_ratio=high / low,
        replica_seconds_ratio=run.replica_seconds / float(record["replicaSeconds"]),
    )


def within_one(samples: Sequence[Recorded], changes: Sequence[tuple[float, int]]) -> float:
    """The share of samples whose replicas are the simulation's at that time, give or take one."""
    times = [at for at, _ in changes]
    near = sum(abs(replicas - changes[max(0, bisect_right(times, at) - 1)][1]) <= 1 for at, replicas in samples)
    return near / len(samples)
