"""How a model is reached: one cluster of Envoy's for each. Pure; imports this package's names and the plan's types."""

from __future__ import annotations

from typing import Any

from substrate.manifests.envoy import api
from substrate.plan.types import UpstreamPlan

CONNECT_SECONDS = 2  # tried twice: a model on a node that is gone is told as such after four
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# How many an engine takes at once is its own affair: it queues, and its metrics say so.
_UNBOUNDED = {"max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000}


def cluster(model: UpstreamPlan) -> dict[str, Any]:
    """One request a connection, so that a Service spreads requests over its pods, new ones included."""
    return {
        "name": model.name,
        "cluster_type": {"name": "envoy.cluster.dns", "typed_config": _by_name()},
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "circuit_breakers": {"thresholds": [_UNBOUNDED]},
        # A node that vanished during an answer is noticed in a minute.
        "upstream_connection_options": {
            "tcp_keepalive": {"keepalive_time": 30, "keepalive_interval": 10, "keepalive_probes": 3}
        },
        "load_assignment": assignment(model.name, api.address(model.host, model.port)),
        "typed_extension_protocol_options": {_HTTP: _one_request_a_connection()},
    }


def _by_name() -> dict[str, Any]:
    """A model whose Service was made just now, or made again, is found in seconds; the default asks every five."""
    return {
        "@type": api.kind("extensions.clusters.dns.v3.DnsCluster"),
        "dns_lookup_family": "V4_PREFERRED",
        "dns_failure_refresh_rate": {"base_interval": "1s", "max_interval": "5s"},
    }


def _one_request_a_connection() -> dict[str, Any]:
    return {
        "@type": api.kind("extensions.upstreams.http.v3.HttpProtocolOptions"),
        "common_http_protocol_options": {"max_requests_per_connection": 1},
        "explicit_http_config": {"http_protocol_options": {}},
    }


def admin() -> dict[str, Any]:
    """Envoy's own interface, a socket in the pod: it can end the program, so no port leads to all of it."""
    address = {"pipe": {"path": api.ADMIN}}
    return {
        "name": "admin",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": assignment("admin", address),
    }


def assignment(name: str, address: dict[str, Any]) -> dict[str, Any]:
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}
