"""How long a model was away while an update ran, seen from its URL. Imports `ask`.

Who moves a model to another foundation on a full pool allows that it is away for a cold start: this says for how long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.request import urlopen

from ops.ask import OPENAI, READY
from ops.console import say

EVERY_SECONDS = 0.5
ANSWER_SECONDS = 2  # a list of models, or whether one is ready: who takes longer serves nobody
LISTED = "v1/models"


@dataclass
class Absence:
    """What one model's URL said, in time.monotonic() seconds: when it first failed, when it answered again."""

    left: float | None = None
    back: float | None = None
    answered: bool = field(default=False, repr=False)  # one that never did was never away

    def saw(self, answers: bool, now: float) -> None:
        if answers:
            self.answered = True
            self.back = now if self.left is not None and self.back is None else self.back
        elif self.answered and self.left is None:
            self.left = now

    @property
    def seconds(self) -> float | None:
        """Of the first time that it was away and came back; None where it never was, or never came back."""
        return None if self.left is None or self.back is None else self.back - self.left


@contextmanager
def watching(endpoints: Mapping[str, str], kinds: Mapping[str, str]) -> Iterator[Mapping[str, Absence]]:
    """Ask every model that was there before, until the block ends."""
    seen = {name: Absence() for name in endpoints}
    over = threading.Event()
    threads = [
        threading.Thread(target=_watch, args=(address(url, kinds[name]), seen[name], over), daemon=True)
        for name, url in endpoints.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def tell(seen: Mapping[str, Absence], predicted: Mapping[str, float]) -> None:
    """Of each model that was away: for how long, beside its predicted cold start."""
    for name, absence in seen.items():
        if absence.seconds is not None and name in predicted:
            say(f"{name} was away for {absence.seconds:.0f} s; its predicted cold start is {predicted[name]:.0f} s")


def address(url: str, kind: str) -> str:
    return f"{url}/{LISTED if kind == OPENAI else READY[kind]}"


def _watch(url: str, absence: Absence, over: threading.Event) -> None:
    while not over.is_set():
        absence.saw(_answers(url), time.monotonic())
        over.wait(EVERY_SECONDS)


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True
