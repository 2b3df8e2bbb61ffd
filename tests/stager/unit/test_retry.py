"""Patience: back-off that grows with jitter up to a limit, and what the source asks for within reason."""

from __future__ import annotations

import threading

import pytest

from stager.errors import SourceUnavailable
from stager.retry import Patience, Persistence
from stager.sources.base import Transient


def test_the_wait_doubles_with_jitter_up_to_the_longest() -> None:
    patience = Patience(first=0.5, longest=8.0)
    for failures, most in [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (50, 8.0)]:
        waits = {patience.delay(failures, None) for _ in range(50)}
        assert all(most / 2 <= wait <= most for wait in waits)
        assert len(waits) > 1


def test_what_the_source_asks_for_is_waited_but_not_for_ever() -> None:
    assert Patience().delay(1, 7.0) == 7.0
    assert Patience().delay(1, 0.0) == 0.0
    assert Patience().delay(1, 1e9) == Patience().longest_asked


def test_the_tries_are_counted_from_the_last_byte_that_came() -> None:
    persistence = Persistence(Patience(tries=3, first=0.0), threading.Event())
    for _ in range(10):
        persistence.failed("x", Transient("reset"))
        persistence.failed("x", Transient("reset"))
        persistence.progressed()
    persistence.failed("x", Transient("reset"))
    persistence.failed("x", Transient("reset"))
    with pytest.raises(SourceUnavailable) as raised:
        persistence.failed("x", Transient("reset"))
    assert "x: reset (3 tries)" in raised.value.lines()[-1]


def test_a_stop_ends_the_waiting() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(SourceUnavailable):
        Persistence(Patience(first=3600.0, longest=3600.0), stop).failed("x", Transient("reset"))
