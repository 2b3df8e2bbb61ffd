"""What Envoy reads at its start, and how it keeps within its memory. Pure; imports this package's own files."""

from __future__ import annotations

from typing import Any

from substrate.manifests.envoy import api, clusters, listeners
from substrate.plan.types import FrontDoorPlan

MAX_CONNECTIONS = 10_000  # of clients; Envoy warns where it is told of no limit
SHRINK, REFUSE = 0.3, 0.4  # of the memory: what was let in below is still read, and may need as much again
_HEAP, _CONNECTIONS = "fixed_heap", "global_downstream_max_connections"


def bootstrap(plan: FrontDoorPlan) -> dict[str, Any]:
    return {
        "node": {"id": "front-door", "cluster": "front-door"},
        "admin": {"address": {"pipe": {"path": api.ADMIN, "mode": 0o600}}},
        "dynamic_resources": {"cds_config": api.watched(api.CLUSTERS)},
        "static_resources": {
            "listeners": [
                listeners.requests(plan),
                listeners.metrics(),
                *([listeners.starting()] if plan.starting else []),
            ],
            "clusters": [clusters.admin()],
        },
        "overload_manager": overload(plan),
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {}}]},
    }


def overload(plan: FrontDoorPlan) -> dict[str, Any]:
    """Refuses what is new while much is held; what was let in is still read, so a sudden crowd can pass it."""
    return {
        "refresh_interval": "0.05s",
        "resource_monitors": [
            _monitor(_HEAP, "fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=int(plan.memory)),
            _monitor(
                _CONNECTIONS,
                "downstream_connections.v3.DownstreamConnectionsConfig",
                max_active_downstream_connections=MAX_CONNECTIONS,
            ),
        ],
        "actions": [_action("shrink_heap", SHRINK), _action("stop_accepting_requests", REFUSE)],
    }


def _monitor(name: str, config: str, **settings: int) -> dict[str, Any]:
    typed = {"@type": api.kind(f"extensions.resource_monitors.{config}"), **settings}
    return {"name": f"envoy.resource_monitors.{name}", "typed_config": typed}


def _action(name: str, threshold: float) -> dict[str, Any]:
    trigger = {"name": f"envoy.resource_monitors.{_HEAP}", "threshold": {"value": threshold}}
    return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}
