"""The plain foundation's workload: a Deployment. Pure; imports the plan's types and this package."""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels, pods
from substrate.plan.engines.base import MODELS_MOUNT, SCRATCH_MOUNT
from substrate.plan.types import ServerPlan

STARTUP_PERIOD_SECONDS = 2


def name(server: ServerPlan) -> str:
    """`<model>-<foundation>`, so that a switch of foundation never touches the other one's workload."""
    return f"{server.name}-{server.foundation}"


def deployment(server: ServerPlan) -> dict[str, Any]:
    """The whole object, `apiVersion` and `kind` included."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name(server),
            "namespace": server.namespace,
            "labels": labels.of_server(server),
            "annotations": labels.workload_annotations(server),
        },
        "spec": {
            "replicas": server.min_replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": round(server.startup.progress_deadline),
            "selector": {"matchLabels": labels.selector(server.name)},
            "strategy": strategy(server),
            "template": template(server),
        },
    }


def strategy(server: ServerPlan) -> dict[str, Any]:
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {
            "maxSurge": server.rollout.max_surge,
            "maxUnavailable": server.rollout.max_unavailable,
        },
    }


def template(server: ServerPlan) -> dict[str, Any]:
    return {
        "metadata": {
            "labels": labels.of_server(server),
            "annotations": {f"{labels.DOMAIN}/weights-digest": server.model.weights.digest},
        },
        "spec": pods.spec(
            server.pool,
            terminationGracePeriodSeconds=round(server.grace),
            topologySpreadConstraints=[spread(server)],
            containers=[container(server)],
            volumes=volumes(server),
        ),
    }


def spread(server: ServerPlan) -> dict[str, Any]:
    """Replicas on different nodes where there are some, and no replica held back where there is one node."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels.selector(server.name)},
    }


def container(server: ServerPlan) -> dict[str, Any]:
    engine = server.engine
    return {
        "name": "engine",
        "image": engine.image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(engine.args),
        "env": pods.environment(engine.environment),
        "ports": [{"name": "http", "containerPort": engine.port, "protocol": "TCP"}],
        **probes(server),
        "lifecycle": {"preStop": engine.pre_stop},
        "resources": resources(server),
        "securityContext": pods.CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts(server),
    }


def probes(server: ServerPlan) -> dict[str, Any]:
    """The startup probe holds the others back for the cold-start budget, so that no liveness probe ends a load."""
    check = {"httpGet": {"path": server.engine.health_path, "port": "http", "scheme": "HTTP"}}
    return {
        "startupProbe": {
            **check,
            "periodSeconds": STARTUP_PERIOD_SECONDS,
            "timeoutSeconds": 2,
            "failureThreshold": -(-round(server.startup.budget) // STARTUP_PERIOD_SECONDS),
        },
        "readinessProbe": {**check, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**check, "periodSeconds": 10, "timeoutSeconds": 10, "failureThreshold": 6},
    }


def resources(server: ServerPlan) -> dict[str, Any]:
    """Memory and GPUs as request and limit alike; no CPU limit, since throttling an engine only lengthens answers."""
    held = {"memory": server.resources.memory.quantity()}
    if server.resources.gpu_resource:
        held[server.resources.gpu_resource] = str(server.resources.gpus)
    return {"requests": {"cpu": str(server.resources.cpus), **held}, "limits": held}


def mounts(server: ServerPlan) -> list[dict[str, Any]]:
    weights = {
        "name": "weights",
        "mountPath": MODELS_MOUNT,
        "subPath": server.model.weights.digest,
        "readOnly": True,
    }
    shared = [{"name": "shared-memory", "mountPath": "/dev/shm"}] if server.engine.shared_memory else []
    return [weights, {"name": "scratch", "mountPath": SCRATCH_MOUNT}, *shared]


def volumes(server: ServerPlan) -> list[dict[str, Any]]:
    """The claim is read-only twice, at the source and at the mount: either alone can be undone by a later edit."""
    weights = {"name": "weights", "persistentVolumeClaim": {"claimName": server.claim, "readOnly": True}}
    scratch = {"name": "scratch", "emptyDir": {"sizeLimit": "4Gi"}}
    return [weights, scratch, *shared_memory(server)]


def shared_memory(server: ServerPlan) -> list[dict[str, Any]]:
    if server.engine.shared_memory is None:
        return []
    size = server.engine.shared_memory.quantity()
    return [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]
