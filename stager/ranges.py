"""Which bytes of a file are there, as disjoint half-open intervals; imports only the standard library."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Ranges:
    """A sorted set of disjoint intervals [start, end) of byte offsets; adjacent ones are merged."""

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in intervals:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Take [start, end) in; overlaps are merged, an empty interval changes nothing."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def intervals(self) -> list[tuple[int, int]]:
        return list(zip(self._starts, self._ends, strict=True))

    def total(self) -> int:
        """Bytes in the set."""
        return sum(self._ends) - sum(self._starts)

    def contiguous_from(self, start: int) -> int:
        """The end of the run of present bytes that begins at `start`; `start` itself when that byte is missing."""
        position = bisect_right(self._starts, start) - 1
        return max(start, self._ends[position]) if position >= 0 else start

    def missing(self, size: int) -> list[tuple[int, int]]:
        """The intervals of [0, size) that are not there."""
        edges = [0, *(edge for interval in self.intervals() for edge in interval), size]
        return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
