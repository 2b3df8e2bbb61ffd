"""How long a failing source is waited for: exponential back-off with jitter; imports only the standard library."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from stager.errors import SourceUnavailable
from stager.sources.base import Transient

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """Times in seconds. `tries` counts requests in a row that brought no byte further; six take about 15 s."""

    tries: int = 6
    first: float = 0.5
    longest: float = 30.0
    longest_asked: float = 300.0  # the most that a Retry-After is believed
    connect: float = 10.0
    read: float = 30.0  # without a single byte

    def delay(self, failures: int, retry_after: float | None) -> float:
        """Seconds to wait after so many failures in a row: what the source asked for, else back-off with jitter."""
        if retry_after is not None:
            return min(retry_after, self.longest_asked)
        return min(self.longest, self.first * 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0)


class Persistence:
    """Counts failures in a row and sleeps between them, unless the run stops meanwhile."""

    def __init__(self, patience: Patience, stop: threading.Event) -> None:
        self._patience = patience
        self._stop = stop
        self._failures = 0

    def progressed(self) -> None:
        """The source gave something: the count of failures in a row starts again."""
        self._failures = 0

    def failed(self, what: str, error: Transient) -> None:
        """Wait before the next try. Raises SourceUnavailable once the tries are used up, or when the run stops."""
        self._failures += 1
        if self._failures >= self._patience.tries:
            raise SourceUnavailable(
                "the source failed for now", [f"{what}: {error} ({self._failures} tries)"], "partial data is kept"
            )
        if self._stop.wait(self._patience.delay(self._failures, error.retry_after)):
            raise SourceUnavailable("the source failed for now", [f"{what}: {error}"], "partial data is kept")


def persist(ask: Callable[[], Result], what: str, patience: Patience, stop: threading.Event) -> Result:
    """The answer of `ask`, asked again while it raises Transient. Raises SourceUnavailable at the end of patience."""
    persistence = Persistence(patience, stop)
    while True:
        try:
            return ask()
        except Transient as error:
            persistence.failed(what, error)
