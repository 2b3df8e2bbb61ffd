"""The window: what is in flight at a kill is a small share of the set, whatever the network's buffers hold."""

from __future__ import annotations

import threading

import pytest

from stager.window import KILLS, LARGEST_CHUNK, Window, sizes_for


@pytest.mark.parametrize("parallel", [1, 4, 8, 32, 64])
@pytest.mark.parametrize("total", [500_000_000, 4_700_000_000, 141_000_000_000])
def test_twenty_kills_repeat_at_most_five_per_cent_from_500_megabytes_on(total: int, parallel: int) -> None:
    sizes = sizes_for(total, parallel)
    assert KILLS * max(sizes.window, sizes.chunk) <= 0.05 * total
    assert sizes.piece <= sizes.chunk <= sizes.window


def test_a_large_set_is_asked_for_in_large_ranges() -> None:
    assert sizes_for(10**12, 8).chunk == LARGEST_CHUNK


def test_no_more_is_in_flight_than_the_window_holds() -> None:
    window, flying, most = Window(100, threading.Event()), 0, 0
    count = threading.Lock()

    def fly() -> None:
        nonlocal flying, most
        for _ in range(200):
            window.take(30)
            with count:
                flying += 30
                most = max(most, flying)
            with count:
                flying -= 30
            window.give(30)

    threads = [threading.Thread(target=fly) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < most <= 100


def test_a_file_larger_than_the_window_goes_alone() -> None:
    window, passed = Window(100, threading.Event()), threading.Event()
    window.take(1000)
    taking(window, 1, passed)
    assert not passed.wait(0.1)
    window.give(1000)
    assert passed.wait(5)


def test_a_stop_lets_everyone_through() -> None:
    stop, passed = threading.Event(), threading.Event()
    window = Window(100, stop)
    window.take(100)
    taking(window, 100, passed)
    stop.set()
    assert passed.wait(5)


def taking(window: Window, count: int, passed: threading.Event) -> None:
    """Take from a window in another thread, and say when it has passed."""

    def take() -> None:
        window.take(count)
        passed.set()

    threading.Thread(target=take, daemon=True).start()
