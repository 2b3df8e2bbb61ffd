"""Catalogues and plans for tests: the shipped stacks, and variations of them written to a file and really loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from substrate.catalog import load
from substrate.plan import ServerPlan, StackPlan, plan_stack

ROOT = Path(__file__).parent.parent
STACKS = ("local", "homelab", "fleet")
# The blocks of what observes a stack and of what scales it.
SCALED = ("monitoring", "autoscaling")


def document(stack: str) -> dict[str, Any]:
    """The stack file as plain data, to change and write again."""
    data: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    return data


def unscaled(stack: str) -> dict[str, Any]:
    """The stack file without what observes and what scales."""
    data = document(stack)
    for block in SCALED:
        data["config"].pop(f"substrate:{block}", None)
    return data


def plan_of(stack: str) -> StackPlan:
    return plan_stack(load(ROOT / f"Pulumi.{stack}.yaml"), stack)


def plan_document(data: Mapping[str, Any], folder: Path, stack: str = "changed") -> StackPlan:
    """Write a document and take it the whole way: text, catalogue, plan."""
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return plan_stack(load(path), stack)


def server(plan: StackPlan, name: str) -> ServerPlan:
    return next(server for server in plan.servers if server.name == name)
