"""What a component is: a value that says how to start a process, and how to know that it serves. Imports probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.embedded import probes


@dataclass(frozen=True)
class Component:
    """One supervised process.

    `after` names the components that must serve before it starts; `doors` the listeners that it inherits, as
    descriptors from `FIRST_DOOR` on. A `task` runs to its end, and serves once it ended well. `expected` and `timeout`
    are the seconds from its start until it serves: as seen on two cores, and when to give up and start it anew.
    """

    name: str
    command: tuple[str, ...]
    ready: probes.Probe = probes.settled
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    doors: tuple[str, ...] = ()
    task: bool = False
    expected: float = 1.0
    timeout: float = 90.0


FIRST_DOOR = 10


def flags(**values: object) -> tuple[str, ...]:
    """Command line flags: `flags(bind_address="::")` -> `("--bind-address=::",)`; booleans in lower case."""
    return tuple(
        f"--{name.replace('_', '-')}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in values.items()
    )


def task(python: str, name: str) -> tuple[str, ...]:
    """The command of a task, by its name in cluster.embedded.tasks."""
    return (python, "-m", "cluster.embedded.tasks", name)
