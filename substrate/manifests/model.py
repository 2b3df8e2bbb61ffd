"""What no foundation may change: a model's Service, disruption budget and route. Pure."""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels
from substrate.plan.types import ServerPlan

SERVICE_PORT = 80


def metadata(server: ServerPlan) -> dict[str, Any]:
    return {"name": server.name, "namespace": server.namespace, "labels": labels.of_server(server)}


def service(server: ServerPlan) -> dict[str, Any]:
    """ClusterIP `<model>`, port 80 to whatever port the engine calls `http`."""
    port = {"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        # The provider would wait for endpoints, and the workload waits for its Service: ten seconds for nothing.
        "metadata": {**metadata(server), "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {"type": "ClusterIP", "selector": labels.selector(server.name), "ports": [port]},
    }


def disruption_budget(server: ServerPlan) -> dict[str, Any]:
    """One replica at a time may be evicted, the last and only one too: a drain must end."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(server),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": labels.selector(server.name)},
        },
    }


def route(server: ServerPlan) -> dict[str, Any]:
    """`<baseUrl>/<model>/...` to the Service, without the prefix, so that an engine knows nothing of its place."""
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{server.name}"}}],
        "filters": [rewrite],
        "backendRefs": [{"group": "", "kind": "Service", "name": server.name, "port": SERVICE_PORT, "weight": 1}],
        # A long answer is normal; the engine bounds it, not the proxy.
        "timeouts": {"request": "0s"},
    }
    gateway = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": server.gateway_name,
        "namespace": server.gateway_namespace,
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(server),
        "spec": {"parentRefs": [gateway], "rules": [rule]},
    }
