"""How a cluster stands, as its supervisor wrote it down. Imports the standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cluster.embedded.identity import Process
from cluster.embedded.layout import Root


@dataclass(frozen=True)
class ComponentStatus:
    """One component: its state, its pid inside, since when (seconds since the epoch), and what went wrong if it did.

    `starts` counts all its starts, `failures` those in a row that came to nothing.
    """

    name: str
    state: str
    pid: int | None
    since: float
    starts: int
    failures: int
    problem: str

    @property
    def serves(self) -> bool:
        return self.state == "serving"


@dataclass(frozen=True)
class Status:
    """The whole of it: which plan it runs, how often it was told to heal."""

    fingerprint: str
    since: float
    healed: int
    components: Mapping[str, ComponentStatus]

    @property
    def complete(self) -> bool:
        return all(component.serves for component in self.components.values())


def supervisor(root: Root) -> Process | None:
    """The living supervisor, or None."""
    process = Process.read(root.supervisor)
    return process if process and process.alive() else None


def read(root: Root) -> Status | None:
    """What the supervisor last said, or None where it said nothing yet."""
    try:
        said = json.loads(root.status.read_text())
    except (OSError, ValueError):
        return None
    components = {name: ComponentStatus(name, **line) for name, line in said["components"].items()}
    return Status(said["fingerprint"], said["since"], said["healed"], components)
