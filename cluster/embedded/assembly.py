"""The components of the cluster, in the order of their start: a pure function of the plan. Imports cluster.embedded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from cluster.embedded import configs, extras
from cluster.embedded.components import control_plane, node, services
from cluster.embedded.components.component import Component
from cluster.embedded.plan import Plan

_PACKAGE = Path(__file__).parent
_RESIDENT = ("addons", "forward", "keeper", "mounts", "network", "probes", "supervisor")


def assemble(plan: Plan) -> tuple[Component, ...]:
    """Every component; each comes after all that it waits for."""
    core = (*control_plane.components(plan), *node.components(plan), *services.components(plan))
    return (*core, *(component for name in plan.extras for component in extras.extra(name).components(plan)))


def fingerprint(plan: Plan) -> str:
    """sha256 (hex) over commands, configuration and our own programs: a running cluster with another is out of date."""
    shapes = [[c.name, c.command, dict(c.environment), c.after, c.doors, c.task] for c in assemble(plan)]
    programs = [(_PACKAGE / f"{name}.py").read_text() for name in _RESIDENT]
    return hashlib.sha256(json.dumps([shapes, configs.render(plan), programs]).encode()).hexdigest()
