"""What goes wrong with a tool, told so that it can be put right. Imports the standard library only."""

from __future__ import annotations

import re
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TAIL_LINES = 15


class ToolError(Exception):
    """A tool cannot be had: `what` failed, `why` where it is known, the `remedy`, and the log with its last lines."""

    def __init__(self, what: str, *, why: str = "", remedy: str = "", log: Path | None = None) -> None:
        self.what, self.why, self.remedy, self.log = what, why, remedy, log
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.log:
            lines += [f"  | {line}" for line in tail(self.log)]
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  what to do: {self.remedy}"] if self.remedy else []
        lines += [f"  log: {self.log}"] if self.log else []
        return "\n".join(lines)


class Cause(NamedTuple):
    """Why a command failed and what helps, in words for people."""

    why: str
    remedy: str


@dataclass(frozen=True)
class _Sign:
    """What a failure looks like in a log, and what it means; `{client}` and named groups are filled in."""

    pattern: re.Pattern[str]
    cause: Cause

    def explain(self, text: str, client: str) -> Cause | None:
        found = self.pattern.search(text)
        if not found:
            return None
        words = {"client": client, **found.groupdict()}
        return Cause(self.cause.why.format(**words), self.cause.remedy.format(**words))


def _sign(pattern: str, why: str, remedy: str) -> _Sign:
    return _Sign(re.compile(pattern, re.IGNORECASE), Cause(why, remedy))


# The first sign that is found wins: a full disk also breaks downloads, so it comes before the network.
_SIGNS = (
    _sign(
        r"no space left on device|disk quota exceeded|not enough free space",
        "the disk is full",
        "free space, or set SUBSTRATE_CACHE (and GOCACHE, GOMODCACHE and TMPDIR, which Go fills) to a larger disk",
    ),
    _sign(
        r"checksum mismatch|SECURITY ERROR|do not match the hashes|hash sum mismatch",
        "what {client} received is not what is pinned here: a damaged download, or a proxy that alters it",
        "do not use it; run again from another network (after `go clean -modcache` if go keeps the damaged copy)",
    ),
    _sign(
        r"requires go >= (?P<wanted>[\d.]+) \(running go (?P<found>[\d.]+)",
        "go {found} is too old: {wanted} or newer is needed",
        "install go {wanted} or newer, or let go fetch it itself: unset GOTOOLCHAIN (go 1.21 or newer can)",
    ),
    _sign(
        r"no such host|name resolution|temporary failure resolving|could not resolve|network is unreachable"
        r"|connection refused|timed out|i/o timeout|handshake timeout|newconnectionerror|unable to connect"
        r"|could not connect|no route to host|failed to establish a new connection|cannot connect to proxy"
        r"|connection reset",
        "{client} could not reach its registry: there is no network, or a proxy or firewall is in the way",
        "connect and run again (what is finished is kept), or point {client} to a mirror by its own settings",
    ),
    _sign(
        r"no module named '?pip'?$|no module named pip\b",
        "this Python has no pip",
        "run `python3 -m ensurepip`, install your system's package python3-pip, or use the Python of `make venv`",
    ),
    _sign(
        r"\b(403 forbidden|404 not found|410 gone)\b|no matching distribution|unable to locate package",
        "the registry that {client} asks does not offer this version",
        "point {client} to the public registry, or name a ready file by SUBSTRATE_TOOL_<NAME>",
    ),
    _sign(
        r"signal: killed|killed signal terminated program|out of memory|cannot allocate memory",
        "the compiler was killed: too little memory",
        "give the machine 4 GiB of free memory, or swap, and run again (what is finished is kept)",
    ),
    _sign(
        r"could not get lock|unable to acquire the dpkg",
        "another package manager holds the lock",
        "wait until it has ended and run again",
    ),
)


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of the log that hold anything; none where there is no log."""
    try:
        with log.open(errors="replace") as stream:
            return list(deque((line.rstrip() for line in stream if line.strip()), maxlen=lines))
    except OSError:
        return []


def diagnose(log: Path, client: str) -> Cause | None:
    """The cause that the end of the log shows, if it is one of the known ones; `client` is the program that ran."""
    text = "\n".join(tail(log, 200))
    return next((cause for sign in _SIGNS if (cause := sign.explain(text, client))), None)


def failed(what: str, log: Path, client: str) -> ToolError:
    """The error for a command of `client` that ended badly, with the cause its log shows."""
    cause = diagnose(log, client) or Cause("", "read the log; when it says nothing useful, run the command again")
    return ToolError(what, why=cause.why, remedy=cause.remedy, log=log)


def unsupported(system: str = sys.platform) -> None:
    """Raise ToolError where the embedded cluster cannot run, with the way out."""
    if system != "linux":
        raise ToolError(
            f"the embedded cluster needs Linux, this is {system}",
            remedy="use a cluster that you have: make up CLUSTER=existing",
        )
