"""What a long step tells while it runs: what it does, how long it usually takes, and that it is alive.

Imports the standard library only. Nothing here starts a thread: whoever waits calls `tick`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

HEARTBEAT = 15.0  # seconds between two signs of life: longer, and people think that it hangs


def clock(seconds: float) -> str:
    """A time for people: `7 s`, `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02d} s"


class Step:
    """One running step; `tick` prints a sign of life when one is due."""

    def __init__(self, title: str, expected: float | None, progress: Progress) -> None:
        self.title, self.expected, self._progress = title, expected, progress
        self._began = self._spoke = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._began

    def tick(self, doing: str = "") -> None:
        """Say that the step is alive, at most once a heartbeat; `doing` overrides the words."""
        if time.monotonic() - self._spoke < self._progress.heartbeat:
            return
        self._spoke = time.monotonic()
        self._progress.say(f"{self.title}: {doing or 'at it'}, {clock(self.elapsed)}{self._usual()}")

    def _usual(self) -> str:
        if not self.expected:
            return ""
        late = self.elapsed > self.expected
        return f", usually {clock(self.expected)}: busy machine?" if late else f" of about {clock(self.expected)}"


class Progress:
    """Prints steps as lines to `stream` (standard output, if none is given)."""

    def __init__(self, stream: TextIO | None = None, heartbeat: float = HEARTBEAT) -> None:
        self._stream, self.heartbeat = stream, heartbeat

    def say(self, text: str) -> None:
        print(text, file=self._stream or sys.stdout, flush=True)

    @contextmanager
    def step(self, title: str, doing: str, *, expected: float | None = None, log: Path | None = None) -> Iterator[Step]:
        """Announce a step with the seconds it usually takes and its log; say at the end how long it took."""
        usual = f"usually {clock(expected)} on two cores" if expected else ""
        notes = "; ".join(filter(None, (usual, f"log: {log}" if log else "")))
        self.say(f"{title}: {doing}" + (f" ({notes})" if notes else ""))
        step = Step(title, expected, self)
        try:
            yield step
        except Exception:
            self.say(f"{title}: failed after {clock(step.elapsed)}")
            raise
        except BaseException:
            self.say(f"{title}: stopped after {clock(step.elapsed)}; what was half made is removed")
            raise
        self.say(f"{title}: done in {clock(step.elapsed)}")
