"""The front door's configuration: what Envoy reads, as pure builders write it. Imports the plan's types only.

Envoy reads three files: `envoy.json` at its start, `clusters.json` and `routes.json` whenever they change. What a
changed set of models changes lies in the latter two, so that a new model cuts no stream of another.
"""

from __future__ import annotations

from substrate.manifests.envoy import api, bootstrap, clusters, routes
from substrate.plan.types import FrontDoorPlan

BOOTSTRAP = "envoy.json"


def files(plan: FrontDoorPlan) -> dict[str, str]:
    """The data of the ConfigMap that is mounted at `api.CONFIGURATION`, by file name."""
    return {
        BOOTSTRAP: api.text(bootstrap.bootstrap(plan)),
        api.CLUSTERS: api.resources("config.cluster.v3.Cluster", map(clusters.cluster, plan.models)),
        api.ROUTES: api.resources("config.route.v3.RouteConfiguration", [routes.configuration(plan)]),
    }


__all__ = ["BOOTSTRAP", "files"]
