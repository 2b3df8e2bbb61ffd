"""What no foundation may change: a model's Service and route, its server's disruption budget. Pure."""

from __future__ import annotations

from typing import Any

from substrate.facts.kserve import EXPLAINER
from substrate.manifests import kserve_parts, labels, pods, routing
from substrate.plan.reach import SERVICE_PORT, knative_host, part_of, wake_host
from substrate.plan.types import ModelPlan, ServerPlan

QUEUE_PROXY_PORT = 8012  # of Knative, for HTTP/1


def metadata(server: ServerPlan, model: ModelPlan) -> dict[str, Any]:
    return {"name": model.name, "namespace": server.namespace, "labels": labels.of_model(server, model)}


def faces(server: ServerPlan) -> list[dict[str, Any]]:
    """All of them: one disruption budget, a Service and a route for each model."""
    each = [part(server, model) for model in server.models for part in (service, route)]
    return [disruption_budget(server), *each]


def service(server: ServerPlan, model: ModelPlan) -> dict[str, Any]:
    """ClusterIP `<model>`, port 80 to whatever port the engine calls `http`, and its port for gRPC where it has one."""
    port = {"name": "http", "port": SERVICE_PORT, "targetPort": target_port(server), "protocol": "TCP"}
    grpc = {"name": "grpc", "port": server.engine.grpc_port, "targetPort": "grpc", "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        # The provider would wait for endpoints, and the workload waits for its Service: ten seconds for nothing.
        "metadata": {**metadata(server, model), "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "type": "ClusterIP",
            "selector": labels.selector(server),
            "ports": [port, *([grpc] if server.engine.grpc_port else [])],
        },
    }


def disruption_budget(server: ServerPlan) -> dict[str, Any]:
    metadata = {"name": server.name, "namespace": server.namespace, "labels": labels.of_server(server)}
    return pods.disruption_budget(metadata, labels.selector(server))


def destination(server: ServerPlan, model: ModelPlan, part: str | None = None) -> tuple[dict[str, str], dict[str, Any]]:
    """The host to write into the request, if any, and the Service to send it to; `part` for one of KServe's by name.

    Knative splits requests between revisions, and holds those for a model at zero, in its own gateway and nowhere else.
    The HTTP add-on holds them in its interceptor; what stands beside a model is never at zero.
    """
    gateway = server.kserve.gateway if server.kserve else None
    wake = server.scaling.wake if server.scaling and part is None else None
    if wake is not None:
        behind = {"name": wake.service, "namespace": wake.namespace, "port": wake.port}
        return {"hostname": wake_host(server, model)}, behind
    if gateway is None:
        return {}, {"name": part_of(server, part) if part else model.name, "port": SERVICE_PORT}
    behind = {"name": gateway.service, "namespace": gateway.namespace, "port": gateway.port}
    return {"hostname": knative_host(server, part)}, behind


def target_port(server: ServerPlan) -> str | int:
    """The engine's own port; in a pod of Knative's its queue-proxy, which counts the requests."""
    return QUEUE_PROXY_PORT if server.kserve and server.kserve.gateway else "http"


def route(server: ServerPlan, model: ModelPlan) -> dict[str, Any]:
    """`<baseUrl>/<model>/...` to the Service, without the prefix, so that an engine knows nothing of its place."""
    prefix = {"type": "PathPrefix", "value": f"/{model.name}"}
    rewrite = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    rules = [*explanations(server, model), _rule(prefix, rewrite, *destination(server, model))]
    told = {"annotations": labels.of_route(model.url, server.authenticated_by)}
    return routing.route({**metadata(server, model), **told}, (server.gateway_name, server.gateway_namespace), *rules)


def explanations(server: ServerPlan, model: ModelPlan) -> list[dict[str, Any]]:
    """KServe would send `:explain` to the explainer in a route of its own; the more exact match goes before ours."""
    path = kserve_parts.explain_path(server, model)
    if path is None:
        return []
    exact = {"type": "Exact", "value": f"/{model.name}{path}"}
    rewrite = {"type": "ReplaceFullPath", "replaceFullPath": path}
    return [_rule(exact, rewrite, *destination(server, model, EXPLAINER))]


def _rule(
    match: dict[str, str], rewrite: dict[str, str], host: dict[str, str], backend: dict[str, Any]
) -> dict[str, Any]:
    return {
        "matches": [{"path": match}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {**host, "path": rewrite}}],
        "backendRefs": [{"group": "", "kind": "Service", "weight": 1, **backend}],
        "timeouts": routing.UNBOUNDED,
    }
