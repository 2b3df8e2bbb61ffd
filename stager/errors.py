"""What can go wrong, one class an exit code of docs/architecture.md; imports nothing."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN_IN_THE_LAST_LINE = 3  # the rest stands on the lines before it


class StagerError(Exception):
    """A foreseeable end: a headline, one line a problem, and what became of the work."""

    code = 1

    def __init__(self, headline: str, problems: Sequence[str] = (), after: str = "") -> None:
        super().__init__(headline)
        self.headline = headline
        self.problems = tuple(dict.fromkeys(problems))
        self.after = after

    def lines(self) -> list[str]:
        """Every problem on a line of its own where there are several; the last line says it all in short."""
        tail = f"; {self.after}" if self.after else ""
        if not self.problems:
            return [self.headline + tail]
        if len(self.problems) == 1:
            return [f"{self.headline}: {self.problems[0]}{tail}"]
        short = "; ".join(self.problems[:SHOWN_IN_THE_LAST_LINE])
        more = len(self.problems) - SHOWN_IN_THE_LAST_LINE
        rest = f"; and {more} more above" if more > 0 else ""
        return [*self.problems, f"{self.headline}: {len(self.problems)} problems: {short}{rest}{tail}"]


class VolumeFailed(StagerError):
    """The volume is not there, not writable, or answered an I/O error."""

    code = 1


class ListingError(StagerError):
    """The listing cannot be what was meant: bad JSON, a path that leaves the folder, a digest that does not match."""

    code = 2


class VerificationFailed(StagerError):
    """Bytes are not those that the listing promises."""

    code = 3


class SourceRefused(StagerError):
    """The source will not give it, however often it is asked: 401, 403, 404, no such bucket, a link that leaves."""

    code = 4


class NoSpace(StagerError):
    """The set does not fit on the volume."""

    code = 5


class SourceUnavailable(StagerError):
    """The source failed for now; partial data is kept, the next run goes on from there."""

    code = 6


class Interrupted(StagerError):
    """SIGTERM or SIGINT; partial data is kept, so it is the same to the Job as a source that failed for now."""

    code = 6
