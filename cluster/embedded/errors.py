"""What a user is told when the cluster cannot be had. Imports the standard library only."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 15
OTHER_WAY = "use a cluster that you have: make up CLUSTER=existing KUBECONFIG=/path/to/kubeconfig"


class ClusterError(Exception):
    """Something about the cluster failed: `what`, the `remedy` where one is known, the log with its last lines."""

    def __init__(self, what: str, *, remedy: str = "", log: Path | None = None) -> None:
        self.what, self.remedy, self.log = what, remedy, log
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.log:
            lines += [f"  | {line}" for line in tail(self.log)]
        lines += [f"  what to do: {self.remedy}"] if self.remedy else []
        lines += [f"  log: {self.log}"] if self.log else []
        return "\n".join(lines)


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log, without reading a long one whole; none where there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 400 * lines))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
