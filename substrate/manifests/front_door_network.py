"""The front door's NetworkPolicies: its namespace is closed, and what it passes on is let through. Pure.

Like a team's (substrate.manifests.network), they hold of every model that may come to stand behind it.
"""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels, network
from substrate.manifests.envoy import api
from substrate.manifests.network import DEFAULT_DENY, Rule
from substrate.plan.reach import STARTING_PORT
from substrate.plan.types import FrontDoorPlan, NetworkPlan

NAME = "front-door"


def policies(plan: FrontDoorPlan) -> list[dict[str, Any]]:
    """All of its namespace, in the order in which they are made; none where the stack asks for none."""
    return [*admissions(plan), default_deny(plan)] if plan.network else []


def default_deny(plan: FrontDoorPlan) -> dict[str, Any]:
    """Nothing in, nothing out, for every pod of the namespace."""
    return network.with_rules(_metadata(plan, DEFAULT_DENY), {}, ingress=[], egress=[])


def admissions(plan: FrontDoorPlan) -> list[dict[str, Any]]:
    """What is let through. Envoy reads its files and asks no API server."""
    if plan.network is None:
        return []
    door = {"matchLabels": labels.front_door_selector()}
    egress = [network.to_names(), *to_models(plan.network)]
    return [network.with_rules(_metadata(plan, NAME), door, ingress=from_clients(plan.network), egress=egress)]


def from_clients(given: NetworkPlan) -> list[Rule]:
    """Who asks it: the Gateway, labelled namespaces, what held a request in vain. Its metrics tell of all models."""
    callers = [network.namespace(given.gateway), {"namespaceSelector": {"matchLabels": labels.client()}}]
    waker = [{"from": [network.namespace(given.waker)], "ports": network.ports([STARTING_PORT])}] if given.waker else []
    return [
        {"from": callers, "ports": network.ports([api.PORT])},
        {"from": network.readers(given), "ports": network.ports([api.METRICS_PORT])},
        *waker,
    ]


def to_models(given: NetworkPlan) -> list[Rule]:
    """The models of any team, where their APIs are; those on Knative or at zero by what holds their requests alone."""
    teams = {"namespaceSelector": {"matchExpressions": [labels.belongs_to_a_team()]}}
    models = {**teams, "podSelector": network.models(network.NO_STAGE)}
    behind = [{"to": [network.namespace(name)]} for name in (given.knative, given.waker) if name]
    return [{"to": [models], "ports": network.ports(network.API_PORTS)}, *behind]


def _metadata(plan: FrontDoorPlan, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": plan.namespace, "labels": labels.of_front_door()}
