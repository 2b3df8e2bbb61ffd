"""What an extra of the embedded cluster is: images to import, programs to run beside the core's. Imports the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cluster.embedded.components.component import Component
from cluster.embedded.plan import Plan


def _none(_: Plan) -> tuple[Component, ...]:
    return ()


@dataclass(frozen=True)
class Extra:
    """One extra. `binaries` are names of cluster.tools, `images` of cluster.images; `tasks` are run as components.

    `objects` are paths of the API by the component that makes them: without one of them the cluster is not whole.
    `needs` names the extras whose components come before this one's.
    """

    name: str
    binaries: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    components: Callable[[Plan], tuple[Component, ...]] = _none
    tasks: Mapping[str, Callable[[Plan], None]] = field(default_factory=dict)
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
