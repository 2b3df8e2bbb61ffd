"""How much may be asked for and not yet on disk; imports only the standard library.

What is in flight when the process is killed is fetched twice: kernel buffers hold megabytes of it on a fast network
(measured with obstore and SeaweedFS on loopback: four streams of 16 MiB ranges lose 15 MB a kill). So the bytes in
flight are bounded by a share of the whole set, and twenty kills cost at most 5 % of it, whatever the buffers do.
The price is paid by small sets on far stores: a window of 1 MiB at 50 ms a round trip is 20 MiB/s.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

KILLS = 20
REPEATED_SHARE = 0.04  # of the bytes of a set, after that many kills; headers and TLS take some of the fifth per cent
SMALLEST_WINDOW = 2**20  # bytes; below 400 MB of weights time matters more than the share
SMALLEST_CHUNK = 256 * 2**10  # bytes; S3 servers spend a millisecond or more on each request
LARGEST_CHUNK = 16 * 2**20  # bytes; more brought no speed in any measurement
SMALLEST_PIECE = 64 * 2**10
LARGEST_PIECE = 2**20


@dataclass(frozen=True)
class Sizes:
    """Bytes: `window` in flight at once, `chunk` a request, `piece` a write and its line in the journal."""

    window: int
    chunk: int
    piece: int


def sizes_for(total: int, parallel: int) -> Sizes:
    """The sizes for a set of `total` bytes: the largest that keep what twenty kills repeat within its share."""
    share = int(total * REPEATED_SHARE / KILLS)
    window = max(SMALLEST_WINDOW, min(share, parallel * LARGEST_CHUNK))
    chunk = max(SMALLEST_CHUNK, window // parallel // SMALLEST_PIECE * SMALLEST_PIECE)
    piece = max(SMALLEST_PIECE, min(LARGEST_PIECE, chunk // 4))
    return Sizes(window, chunk, piece)


class Window:
    """A count of bytes in flight that never passes its size; one who needs more than there is room for waits."""

    def __init__(self, size: int, stop: threading.Event) -> None:
        self._size = size
        self._stop = stop
        self._flying = 0
        self._room = threading.Condition()

    def take(self, count: int) -> None:
        """Wait for room for `count` bytes. A count larger than the window goes alone."""
        with self._room:
            while self._flying and self._flying + count > self._size and not self._stop.is_set():
                self._room.wait(0.5)
            self._flying += count

    def give(self, count: int) -> None:
        """These bytes are on disk, or will not come."""
        with self._room:
            self._flying -= count
            self._room.notify_all()
