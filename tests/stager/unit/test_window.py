"""The window: what is in flight at a kill is a small share of the set, whatever the network's buffers hold."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stager.window import GROWTH, KILLS, LARGEST_CHUNK, SMALLEST_CHUNK, Window

MOST_REPEATED = 0.05


def window(total: int, parallel: int = 8, written: int = 0) -> Window:
    """The window of a run that has written so many bytes."""
    made = Window(total, parallel, threading.Event())
    made.take(written)
    made.wrote(written)
    return made


@given(
    st.sampled_from([500_000_000, 4_700_000_000, 141_000_000_000]),
    st.sampled_from([1, 4, 8, 64]),
    st.lists(st.floats(0, 1), min_size=KILLS, max_size=KILLS),
)
def test_twenty_kills_repeat_at_most_five_per_cent_wherever_they_strike(
    total: int, parallel: int, points: list[float]
) -> None:
    """The worst case: at each kill the whole window is lost."""
    held, repeated = 0, 0
    for point in sorted(points):
        fetched = max(0, int(point * total) - held)
        lost = min(window(total, parallel, fetched).size, total - held)
        held += fetched
        repeated += lost
    assert repeated <= MOST_REPEATED * total


@pytest.mark.parametrize("parallel", [1, 3, 8, 64])
@pytest.mark.parametrize("written", [0, 10**7, 10**9, 10**12])
def test_a_request_is_a_power_of_two_that_fits_the_window(parallel: int, written: int) -> None:
    made = window(500_000_000, parallel, written)
    assert made.chunk & (made.chunk - 1) == 0
    assert SMALLEST_CHUNK <= made.chunk <= min(made.size, LARGEST_CHUNK)


def test_requests_grow_with_what_the_run_has_fetched() -> None:
    assert window(10**12, 8, 10**11).chunk == LARGEST_CHUNK
    assert window(2 * 10**9, 8, 10**9).size == int(10**9 * GROWTH)
    assert window(2 * 10**9, 8, 0).size < window(2 * 10**9, 8, 10**9).size


def test_no_more_is_in_flight_than_the_window_holds() -> None:
    made, flying, most = window(0), 0, 0
    third = SMALLEST_CHUNK // 3
    count = threading.Lock()

    def fly() -> None:
        nonlocal flying, most
        for _ in range(200):
            made.take(third)
            with count:
                flying += third
                most = max(most, flying)
            with count:
                flying -= third
            made.give_up(third)

    threads = [threading.Thread(target=fly) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < most <= SMALLEST_CHUNK


def test_a_file_larger_than_the_window_goes_alone() -> None:
    made, passed = window(0), threading.Event()
    made.take(10 * SMALLEST_CHUNK)
    taking(made, 1, passed)
    assert not passed.wait(0.1)
    made.give_up(10 * SMALLEST_CHUNK)
    assert passed.wait(5)


def test_a_stop_lets_everyone_through() -> None:
    stop, passed = threading.Event(), threading.Event()
    made = Window(0, 8, stop)
    made.take(SMALLEST_CHUNK)
    taking(made, SMALLEST_CHUNK, passed)
    stop.set()
    assert passed.wait(5)


def taking(made: Window, count: int, passed: threading.Event) -> None:
    """Take from a window in another thread, and say when it has passed."""

    def take() -> None:
        made.take(count)
        passed.set()

    threading.Thread(target=take, daemon=True).start()
