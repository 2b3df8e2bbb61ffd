"""Lines for people: steps with elapsed time. Imports the standard library only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Failure(Exception):
    """Something that a person can act on; its text is all that is shown."""


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def step(title: str, expected: str) -> Iterator[None]:
    """Announce a step with what it usually takes, and say how long it took."""
    say(f"==> {title} (usually {expected})")
    start = time.monotonic()
    yield
    say(f"    done in {time.monotonic() - start:.1f} s")


def fail(text: str) -> int:
    print(f"error: {text}", file=sys.stderr, flush=True)
    return 1
