"""Ranges: always the same as a plain set of byte offsets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stager.ranges import Ranges

SIZE = 40
INTERVALS = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)), max_size=12)


@given(INTERVALS)
def test_ranges_hold_the_bytes_that_were_added_and_no_others(intervals: list[tuple[int, int]]) -> None:
    ranges = Ranges(intervals)
    there = {offset for start, end in intervals for offset in range(start, end)}
    missing = {offset for start, end in ranges.missing(SIZE) for offset in range(start, end)}
    assert ranges.total() == len(there)
    assert missing == set(range(SIZE)) - there


@given(INTERVALS)
def test_intervals_are_sorted_disjoint_and_never_adjacent(intervals: list[tuple[int, int]]) -> None:
    kept = Ranges(intervals).intervals()
    assert all(start < end for start, end in kept)
    assert all(first[1] < second[0] for first, second in pairwise(kept))


@given(INTERVALS, st.integers(0, SIZE))
def test_a_contiguous_run_ends_at_the_first_missing_byte(intervals: list[tuple[int, int]], start: int) -> None:
    there = {offset for begin, end in intervals for offset in range(begin, end)}
    expected = start
    while expected in there:
        expected += 1
    assert Ranges(intervals).contiguous_from(start) == expected


def test_neighbours_are_merged_from_either_side() -> None:
    assert Ranges([(5, 10), (0, 5)]).intervals() == [(0, 10)]
    assert Ranges([(0, 5), (5, 10)]).intervals() == [(0, 10)]
    assert Ranges([(0, 5), (10, 15), (5, 10)]).intervals() == [(0, 15)]
