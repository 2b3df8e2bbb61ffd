"""The front door's configuration: what Envoy reads, as pure builders write it. Imports the plan's types only.

Envoy reads `envoy.json` at its start; `clusters.json`, `routes.json`, and `starting.json` where models may be at zero,
whenever they change. What a changed set of models changes lies in the latter, so that a new model cuts no stream of
another.
"""

from __future__ import annotations

from substrate.manifests.envoy import api, bootstrap, clusters, routes, starting
from substrate.plan.types import FrontDoorPlan

BOOTSTRAP = "envoy.json"
ROUTE = "config.route.v3.RouteConfiguration"


def files(plan: FrontDoorPlan) -> dict[str, str]:
    """The data of the ConfigMap that is mounted at `api.CONFIGURATION`, by file name."""
    asleep = {api.STARTING: api.resources(ROUTE, [starting.configuration(plan)])} if plan.starting else {}
    return {
        BOOTSTRAP: api.text(bootstrap.bootstrap(plan)),
        api.CLUSTERS: api.resources("config.cluster.v3.Cluster", map(clusters.cluster, plan.models)),
        api.ROUTES: api.resources(ROUTE, [routes.configuration(plan)]),
        **asleep,
    }


__all__ = ["BOOTSTRAP", "files"]
