"""What wakes a server at zero: objects for KEDA's HTTP add-on, whose proxy holds its requests meanwhile. Pure.

Read in the add-on's source, 0.12.0: its interceptor tells models by the request's host, counts what it holds, waits for
a ready endpoint of the Service for as long as the object says, and sends what waited in vain to a Service of the same
namespace. That one leads to the front door, which says so in OpenAI's words (docs/decisions/scaling.md).
"""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels, serving
from substrate.plan.reach import SERVICE_PORT, wake_host, workload_of
from substrate.plan.scaling import WakePlan
from substrate.plan.types import ServerPlan

GATEWAY_API = "gateway.networking.k8s.io"
# Ours stands beside it, with what the engines tell: the add-on makes none.
BESIDE_OURS = {"httpscaledobject.keda.sh/skip-scaledobject-creation": "true"}
# From the request's last byte to the answer's first, of whole answers too: the engine bounds it, as at the front door.
ANSWER_SECONDS = 3600


def objects(server: ServerPlan, plan: WakePlan) -> list[dict[str, Any]]:
    """Everything but the ScaledObject, in the order in which it is made."""
    return [reference_grant(server, plan), starting(server, plan), http_scaled_object(server, plan)]


def http_scaled_object(server: ServerPlan, plan: WakePlan) -> dict[str, Any]:
    """By which hosts the server's models are known, which Service is waited for, and for how long."""
    return {
        "apiVersion": "http.keda.sh/v1alpha1",
        "kind": "HTTPScaledObject",
        "metadata": {
            "name": serving.name(server),
            "namespace": server.namespace,
            "labels": labels.of_server(server),
            "annotations": BESIDE_OURS,
        },
        "spec": {
            "hosts": [wake_host(server, model) for model in server.models],
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": workload_of(server),
                # All of a server's Services lead to the same pods.
                "service": server.model.name,
                "port": SERVICE_PORT,
            },
            "replicas": {"min": 0, "max": max(1, server.max_replicas)},
            "scalingMetric": {"concurrency": {"targetValue": plan.target}},
            "timeouts": {"conditionWait": duration(plan.held), "responseHeader": duration(ANSWER_SECONDS)},
            "coldStartTimeoutFailoverRef": {
                "service": starting_name(server),
                "port": plan.starting_port,
                "timeoutSeconds": round(plan.held),
            },
        },
    }


def duration(seconds: float) -> str:
    """As Go writes it: the add-on writes times back so, and another form would be its own at the next update."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def trigger(server: ServerPlan, plan: WakePlan) -> dict[str, Any]:
    """What the interceptor holds and has sent on: KEDA hears at once of the first request and when all are answered."""
    return {
        "type": "external-push",
        "name": "requests",
        "metadata": {"scalerAddress": plan.scaler, "httpScaledObject": serving.name(server)},
    }


def starting_name(server: ServerPlan) -> str:
    return f"{server.name}-starting"


def starting(server: ServerPlan, plan: WakePlan) -> dict[str, Any]:
    """The interceptor looks for it in the model's namespace; by this name it finds the front door, in its own."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": starting_name(server),
            "namespace": server.namespace,
            "labels": labels.of_server(server),
        },
        "spec": {"type": "ExternalName", "externalName": plan.starting_host},
    }


def reference_grant(server: ServerPlan, plan: WakePlan) -> dict[str, Any]:
    """Lets the routes of the server's namespace send to the interceptor, which lies in another."""
    route = {"group": GATEWAY_API, "kind": "HTTPRoute", "namespace": server.namespace}
    return {
        "apiVersion": f"{GATEWAY_API}/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {
            "name": f"{server.namespace}.{server.name}",
            "namespace": plan.namespace,
            "labels": labels.of_platform(),
        },
        "spec": {"from": [route], "to": [{"group": "", "kind": "Service", "name": plan.service}]},
    }
