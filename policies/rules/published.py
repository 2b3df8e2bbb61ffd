"""What stands behind a Service, and how it is reached from outside. Imports the resources."""

from __future__ import annotations

from policies.resources.objects import KubernetesObject
from policies.resources.plain import sequence, text
from policies.resources.stack import Stack
from policies.resources.subject import Subject

OUTSIDE_TYPES = ("LoadBalancer", "NodePort")


def is_service(obj: KubernetesObject) -> bool:
    """A Service of Kubernetes, not of Knative."""
    return obj.kind == "Service" and obj.api_version == "v1"


def published_by(obj: KubernetesObject) -> str | None:
    """What publishes a Service beyond the cluster, as the start of a sentence; None where nothing does."""
    kind = text(obj.spec.get("type"))
    if kind in OUTSIDE_TYPES:
        return f"spec.type is {kind}"
    return "spec.externalIPs is set" if sequence(obj.spec.get("externalIPs")) else None


def served_behind(service: Subject, stack: Stack) -> str | None:
    """The first model server that a Service sends to, or the Service's own word that there is one."""
    for one in stack.behind(service):
        if evidence := one.workload.served:
            return f"{one.workload}, a language model ({evidence})"
    return f"a language model ({service.served})" if service.served else None
