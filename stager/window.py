"""How much may be asked for and not yet on disk, and so how large a request is; imports only the standard library.

What is in flight when the process is killed is fetched twice: kernel buffers hold megabytes of it on a fast network
(measured with obstore and SeaweedFS on loopback: four streams of 16 MiB ranges lose 15 MB a kill). Small requests in
turn cost time: at 50 ms a round trip a window of 1 MiB is 20 MiB/s, and SeaweedFS is half as fast below 4 MiB each.
So the window grows with what the run has fetched, and a kill costs at most

    a first window of FIRST_SHARE / KILLS of the set, or GROWTH of the bytes that this run has fetched.

The runs together fetch the set once and what was lost: KILLS of them repeat at most FIRST_SHARE + GROWTH of it, about
4 %, whatever the buffers do; headers and TLS take a little more.
"""

from __future__ import annotations

import threading

KILLS = 20
FIRST_SHARE = 0.01  # of the bytes of a set, for all kills together
GROWTH = 0.03  # of the bytes that this run has written
SMALLEST_CHUNK = 256 * 2**10  # bytes; an S3 server spends a millisecond or more on each request
LARGEST_CHUNK = 16 * 2**20  # bytes; more brought no speed in any measurement
PIECE = 256 * 2**10  # bytes of one write and its line in the journal


class Window:
    """A count of bytes in flight that never passes its size; one who needs more than there is room for waits."""

    def __init__(self, total: int, parallel: int, stop: threading.Event) -> None:
        """For a set of `total` bytes and so many requests at once."""
        self._parallel = parallel
        self._least = max(SMALLEST_CHUNK, int(total * FIRST_SHARE / KILLS))
        self._stop = stop
        self._flying = 0
        self._written = 0
        self._room = threading.Condition()

    @property
    def size(self) -> int:
        """Bytes that may be in flight now."""
        return min(self._parallel * LARGEST_CHUNK, max(self._least, int(self._written * GROWTH)))

    @property
    def chunk(self) -> int:
        """Bytes of a request now: the window's part of each, as a power of two, which keeps to servers' own blocks."""
        share = max(SMALLEST_CHUNK, min(LARGEST_CHUNK, self.size // self._parallel))
        return 1 << (share.bit_length() - 1)

    def take(self, count: int) -> None:
        """Wait for room for `count` bytes. A count larger than the window goes alone."""
        with self._room:
            while self._flying and self._flying + count > self.size and not self._stop.is_set():
                self._room.wait(0.5)
            self._flying += count

    def wrote(self, count: int) -> None:
        """These bytes are on disk."""
        with self._room:
            self._flying -= count
            self._written += count
            self._room.notify_all()

    def give_up(self, count: int) -> None:
        """These bytes will not come."""
        with self._room:
            self._flying -= count
            self._room.notify_all()
