"""Simulation against a record: what counts as agreement."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.simulate.choices import Choice, Target
from substrate.simulate.compare import Recorded, agreement, within_one
from substrate.simulate.engine import REFERENCE
from substrate.simulate.run import Run, Setting, simulate
from substrate.simulate.trace import Arrival, Trace

CHANGES = [(0.0, 1), (30.0, 4), (300.0, 2)]


@pytest.mark.parametrize(
    ("samples", "share"),
    [
        ([(0.0, 1), (29.9, 2), (30.0, 3), (299.0, 5), (1000.0, 1)], 1.0),
        ([(0.0, 3), (31.0, 4)], 0.5),
        ([(31.0, 2), (301.0, 4)], 0.0),
        ([(-1.0, 1)], 1.0),
    ],
)
def test_replicas_within_one_are_counted_at_the_records_own_times(samples, share):
    assert within_one([Recorded(*sample) for sample in samples], CHANGES) == share


def run() -> Run:
    trace = Trace("steady", [Arrival(number / 16, 1000, 200) for number in range(4800)], 300.0)
    return simulate(trace, Choice("in flight", 1, 4, (Target("inFlight", 8),)), Setting(REFERENCE, 8192, 30.0))


def record(of: Run, wait: float = 1.0) -> dict[str, Any]:
    return {
        "samples": [{"time": each.at, "replicas": each.replicas, "waiting": 0, "inFlight": 0} for each in of.samples],
        "waits": [wait * (request.admitted - request.arrival) for request in of.requests],
        "replicaSeconds": of.replica_seconds,
    }


def test_a_run_agrees_with_itself():
    found = agreement(record(run()), run())

    assert (found.within_one, found.wait_ratio, found.replica_seconds_ratio) == (1.0, 1.0, 1.0)
    assert found.samples > 50


@pytest.mark.parametrize("factor", [3.0, 1 / 3])
def test_the_ratio_of_waits_is_above_one_whichever_is_larger(factor):
    assert agreement(record(run(), factor), run()).wait_ratio == pytest.approx(3.0)


@pytest.mark.parametrize("lacking", ["samples", "waits", "replicaSeconds"])
def test_a_record_that_lacks_something_is_refused_by_its_name(lacking):
    with pytest.raises(ValueError, match=f"no {lacking}"):
        agreement({key: value for key, value in record(run()).items() if key != lacking}, run())
