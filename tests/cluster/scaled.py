"""Something to scale in a cluster test: a Deployment of a small web server, and how many replicas it shall have."""

from __future__ import annotations

from typing import Any

from tests.cluster.conftest import Embedded, server_pod

PORT = 8000


def deployment(name: str, where: str, replicas: int, cpu: str = "50m") -> dict[str, Any]:
    pod = server_pod(name, where)
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    template = {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def replicas(cluster: Embedded, name: str, where: str) -> int:
    """What its scale says, whoever changed it."""
    return int(cluster.get("deployment", name, "-n", where)["spec"]["replicas"])


def autoscaler(name: str, where: str, metric: dict[str, Any], most: int = 2) -> dict[str, Any]:
    """An HPA of the Deployment of its name that scales down at once."""
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": 1,
        "maxReplicas": most,
        "metrics": [metric],
        "behavior": AT_ONCE,
    }
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}


AT_ONCE = {"scaleDown": {"stabilizationWindowSeconds": 0}, "scaleUp": {"stabilizationWindowSeconds": 0}}
