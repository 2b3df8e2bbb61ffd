"""A real run as the simulation writes one down, so that both are counted, tabled and drawn alike. Pure.

Imports the simulation's values, the lives of pods, the generator's records. All seconds are the trace's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import inf
from statistics import fmean, linear_regression
from typing import Any

from benchmarks.closed_loop.generator import Record
from benchmarks.closed_loop.watch import Life
from substrate.simulate.autoscaler import SYNC
from substrate.simulate.choices import Choice
from substrate.simulate.engine import REFERENCE, Replica, Request
from substrate.simulate.fleet import Pod
from substrate.simulate.metrics import quantile
from substrate.simulate.run import ON_TIME, Looks, Run, Sample
from substrate.simulate.trace import Trace

SAMPLE = 5.0  # as often as the simulation's
# Pods that are made, or stopped, within this time are one change: a ReplicaSet makes them one after the other.
_ONE_CHANGE = 5.0


def as_run(choice: Choice, trace: Trace, records: Sequence[Record], lives: Sequence[Life]) -> Run:
    """Everything the simulation would say of itself, but for preemptions; a request that was lost counts as cut."""
    requests = [_request(record) for record in sorted(records, key=lambda record: record.number)]
    for request, arrival in zip(requests, trace.arrivals, strict=True):
        request.context, request.generated = arrival.context, arrival.generated
    end = max([trace.seconds, *(request.end for request in requests if request.end is not None)])
    pods = [
        Pod(number, one.created, Replica(REFERENCE), None if one.ready == inf else one.ready, one.stopped, one.gone)
        for number, one in enumerate(lives)
    ]
    cut = [request for request in requests if request.end is None]
    return Run(choice, requests, 0, cut, pods, changes(lives, end), samples(requests, lives, end), end)


def _request(record: Record) -> Request:
    admitted = None if record.wait is None else record.due + record.wait
    return Request(record.due, 0, 1, admitted, record.first, record.end)


def changes(lives: Iterable[Life], end: float) -> list[tuple[float, int]]:
    """(second, replicas) from the first on."""
    steps = sorted([(one.created, 1) for one in lives] + [(one.stopped, -1) for one in lives if one.stopped <= end])
    found: list[tuple[float, int]] = []
    total = 0
    for at, step in steps:
        total += step
        if found and at - found[-1][0] < _ONE_CHANGE:
            found[-1] = (found[-1][0], total)
        else:
            found.append((at, total))
    return [one for place, one in enumerate(found) if not place or one[1] != found[place - 1][1]]


def samples(requests: Sequence[Request], lives: Sequence[Life], end: float, every: float = SAMPLE) -> list[Sample]:
    due = sorted(request.arrival for request in requests)
    begun = sorted(request.admitted for request in requests if request.admitted is not None)
    ended = sorted(request.end for request in requests if request.end is not None)
    found = []
    for number in range(int(end / every) + 1):
        at = number * every
        come = bisect_right(due, at)
        replicas = sum(one.created <= at < one.stopped for one in lives)
        ready = sum(one.serves(at) for one in lives)
        found.append(Sample(at, replicas, ready, come - bisect_right(begun, at), come - bisect_right(ended, at)))
    return found


def cold_start(lives: Iterable[Life]) -> float:
    """The median of the pods that came while the trace ran, from their creation to readiness; 0 of none."""
    return quantile([one.ready - one.created for one in lives if one.created > 0 and one.ready < inf], 0.5)


def looks(told: Sequence[float]) -> Looks:
    """When the autoscaler looked, of the moments at which it told something new of itself; most looks tell nothing.

    The straight line through them: its clock is a real one, and each period of it a little longer than asked for.
    """
    gaps = [after - before for before, after in pairwise(told)]
    next_to = [gap for gap in gaps if gap < 1.5 * SYNC]
    if not next_to:
        return ON_TIME
    about = fmean(next_to)  # a long gap's count needs it: 50 periods of 15.2 s are 51 of 15
    numbers = [*accumulate((round(gap / about) for gap in gaps), initial=0)]
    every, first = linear_regression(numbers, told)
    return Looks(first % every, every)


def lateness(records: Iterable[Record]) -> float:
    """The 99th percentile of how late requests were sent."""
    return quantile([record.sent - record.due for record in records if record.sent is not None], 0.99)


def document(run: Run, setting: dict[str, Any]) -> dict[str, Any]:
    """What `substrate.simulate.compare` reads, and what else is worth keeping."""
    sampled = [
        {
            "time": one.at,
            "replicas": one.replicas,
            "ready": one.ready,
            "waiting": one.waiting,
            "inFlight": one.in_flight,
        }
        for one in run.samples
    ]
    waits = [round(one.admitted - one.arrival, 4) for one in run.requests if one.admitted is not None]
    return {**setting, "samples": sampled, "waits": waits, "replicaSeconds": run.replica_seconds}
