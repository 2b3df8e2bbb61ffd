"""What people read: lines on standard output and the termination log, with secrets taken out; standard library only."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

TERMINATION_LOG = "/dev/termination-log"
LARGEST_TERMINATION_LOG = 4096  # bytes; the kubelet reads no more
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN")
SHORTEST_SECRET = 6  # characters; a shorter one would black out ordinary words
QUERY = re.compile(r"(https?://[^\s?#'\"]*)[?#][^\s'\"]*")
USER = re.compile(r"(https?://)[^\s/@'\"]*@")
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def redact(text: str) -> str:
    """The text without credentials: no query of an address (it may be presigned), no user in it, no known secret."""
    text = USER.sub(r"\1", QUERY.sub(r"\1?...", text))
    for name in SECRETS:
        value = os.environ.get(name, "").strip()
        if len(value) >= SHORTEST_SECRET:
            text = text.replace(value, f"<{name}>")
    return text


def amount(count: float) -> str:
    """Bytes for people: `4.4 GiB`."""
    for unit in UNITS:
        if count < 1024 or unit == UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def span(seconds: float) -> str:
    """Seconds for people: `46 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(redact(line).replace("\n", " ") + "\n")
    sys.stdout.flush()


def conclude(lines: Iterable[str]) -> None:
    """The last lines, and the same in the termination log, whose end is kept when it is too long."""
    written = [redact(line).replace("\n", " ") for line in lines]
    for line in written:
        say(line)
    text = "\n".join(written).encode()
    last = written[-1].encode()[:LARGEST_TERMINATION_LOG]
    room = LARGEST_TERMINATION_LOG - len(last) - 1
    short = text if len(text) <= LARGEST_TERMINATION_LOG else text[: max(room, 0)] + b"\n" * (room > 0) + last
    path = Path(os.environ.get("STAGER_TERMINATION_LOG", TERMINATION_LOG))
    try:
        if path.exists():
            path.write_bytes(short)
    except OSError:
        say(f"{path} cannot be written")


class Progress:
    """Lines such as `12 % of 4.4 GiB, 96.1 MiB/s, 40 s left`; the rate is that since the last line."""

    def __init__(self, total: int, complete: int) -> None:
        self._total = max(total, 1)
        self._complete = complete
        self._at = time.monotonic()

    def line(self, complete: int) -> str:
        now = time.monotonic()
        rate = max(0.0, (complete - self._complete) / max(now - self._at, 1e-6))
        self._complete, self._at = complete, now
        left = f"{span((self._total - complete) / rate)} left" if rate else "nothing came"
        percent = min(100 * complete // self._total, 100)
        return f"{percent} % of {amount(self._total)}, {amount(rate)}/s, {left}"
