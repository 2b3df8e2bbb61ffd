"""Metrics of what stands before the models: Traefik as a Gateway, Envoy as the front door. Imports the types.

Traefik's read on 2026-11-30 of pkg/observability/metrics/prometheus.go (254ece9), Envoy's of a cluster's statistics in
docs/root/configuration/upstream/cluster_manager/cluster_stats.rst; those of the front door are held against the running
one (tests/engine/test_front_door_metrics.py). Envoy exports some hundreds more, by what it is configured to do.
"""

from __future__ import annotations

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

GAUGE, COUNTER, HISTOGRAM = MetricKind.GAUGE, MetricKind.COUNTER, MetricKind.HISTOGRAM
_CLUSTER = ("envoy_cluster_name",)
_REQUEST = ("code", "method", "protocol")

ENVOY = Registry(
    engine="envoy",
    prefix="envoy_cluster_upstream_",
    since="1.31",
    read="1.36",
    source="cluster_stats.rst of envoyproxy/envoy",
    metrics=(
        Exported(
            "envoy_cluster_upstream_rq_xx",
            COUNTER,
            "requests",
            (*_CLUSTER, "envoy_response_code_class"),
            "answers by their class, 1 to 5; Envoy's own 503 for want of a pod is among them",
        ),
        Exported("envoy_cluster_upstream_rq", COUNTER, "requests", (*_CLUSTER, "envoy_response_code")),
        Exported("envoy_cluster_upstream_rq_time", HISTOGRAM, "milliseconds", _CLUSTER, "to the answer's end"),
        *each(COUNTER, "requests", "envoy_cluster_upstream_rq_total envoy_cluster_upstream_rq_timeout", *_CLUSTER),
        *each(COUNTER, "requests", "envoy_cluster_upstream_rq_rx_reset envoy_cluster_upstream_rq_tx_reset", *_CLUSTER),
        *each(
            GAUGE, "requests", "envoy_cluster_upstream_rq_active envoy_cluster_upstream_rq_pending_active", *_CLUSTER
        ),
        *each(COUNTER, "connections", "envoy_cluster_upstream_cx_connect_fail", *_CLUSTER),
    ),
)

TRAEFIK = Registry(
    engine="traefik",
    prefix="traefik_(?:entrypoint|router|service)_",
    since="3.0",
    read="3.7",
    source="pkg/observability/metrics/prometheus.go of traefik/traefik",
    metrics=(
        *each(COUNTER, "requests", "traefik_entrypoint_requests_total", *_REQUEST, "entrypoint"),
        *each(COUNTER, "requests", "traefik_router_requests_total", *_REQUEST, "router", "exported_service"),
        *each(COUNTER, "requests", "traefik_service_requests_total", *_REQUEST, "exported_service"),
        *each(HISTOGRAM, "seconds", "traefik_entrypoint_request_duration_seconds", *_REQUEST, "entrypoint"),
        *each(HISTOGRAM, "seconds", "traefik_service_request_duration_seconds", *_REQUEST, "exported_service"),
        *each(COUNTER, "retries", "traefik_service_retries_total", "exported_service"),
        *each(GAUGE, "bool", "traefik_service_server_up", "exported_service", "url"),
    ),
)
