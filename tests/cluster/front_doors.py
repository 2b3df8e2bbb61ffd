"""A front door before given models in a cluster test: the product's own objects. Imports the plan and its builders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster import images
from substrate.manifests import front_door
from substrate.plan import FrontDoorPlan, UpstreamPlan
from tests.cluster.conftest import PATIENCE, Embedded
from tests.stacks import plan_of

TEAM = "team"


def upstream(name: str, served: str, host: str = "") -> UpstreamPlan:
    """A model behind a Service of its name in TEAM, or at `host`."""
    return UpstreamPlan(name, served, host or f"{name}.{TEAM}.svc.cluster.local", 80, None)


def plan(namespace: str, models: Sequence[UpstreamPlan], keys_secret: str | None = None) -> FrontDoorPlan:
    """The local stack's, in another namespace and before other models."""
    shipped = plan_of("local").front_door
    assert shipped and shipped.image == images.reference("envoy")
    changed = {"namespace": namespace, "models": tuple(models), "keys_secret": keys_secret}
    return FrontDoorPlan(**{**vars(shipped), **changed})


def objects(made: FrontDoorPlan) -> list[dict[str, Any]]:
    """All but its route: one address leads to one of them."""
    return [each for each in front_door.objects(made) if each["kind"] != "HTTPRoute"]


def wait_ready(cluster: Embedded, namespace: str) -> None:
    cluster.kubectl("rollout", "status", "deployment/front-door", "-n", namespace, f"--timeout={PATIENCE:.0f}s")
