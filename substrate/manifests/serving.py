"""The plain foundation's workload: a Deployment. Pure; imports the plan's types and this package."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from substrate.manifests import labels, payload_logging, pods
from substrate.plan.engines.base import CONFIG_MOUNT, SCRATCH_MOUNT
from substrate.plan.switch import awaited
from substrate.plan.types import EnginePlan, ServerPlan
from substrate.values import Bytes, Cores

STARTUP_PERIOD_SECONDS = 2
SCRATCH_SIZE = Bytes.parse("4Gi")
# Of what a pod may put on its node's disk beside it: the kubelet keeps 50 MiB of logs for each container.
LOGS = Bytes.parse("1Gi")
WEIGHTS, CONFIG, EMPTY = "weights", "config", "empty"  # the volumes' names


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
            "annotations": {**labels.workload_annotations(server), **waiting(server)},
        },
        "spec": {
            **replicas(server),
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": round(server.startup.progress_deadline),
            "selector": {"matchLabels": labels.selector(server)},
            "strategy": strategy(server),
            "template": template(server),
        },
    }


def replicas(server: ServerPlan) -> dict[str, int]:
    """How many; where a scaler owns the number it is left out, or every update would set it back under load."""
    return {} if server.scaled else {"replicas": server.min_replicas}


def waiting(server: ServerPlan) -> dict[str, str]:
    """Pulumi waits for Deployments by itself; not for one that only its predecessor's end makes room for, nor for one
    that goes to zero, for whose first replica there may be no room.
    """
    return {} if awaited(server) and not server.asleep else {"pulumi.com/skipAwait": "true"}


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
            "annotations": labels.pod_annotations(server),
        },
        "spec": pod_fields(server),
    }


def pod_fields(server: ServerPlan) -> dict[str, Any]:
    """The pod spec, which every foundation makes its own of."""
    return pods.spec(
        server.pool,
        terminationGracePeriodSeconds=round(server.grace),
        topologySpreadConstraints=[pods.spread(labels.selector(server))],
        containers=[container(server)],
        volumes=volumes(server),
        **payload_logging.before_the_engine(server),
        **({"imagePullSecrets": [{"name": server.engine.pull_secret}]} if server.engine.pull_secret else {}),
    )


def container(server: ServerPlan) -> dict[str, Any]:
    engine = server.engine
    return {
        "name": "engine",
        "image": engine.image,
        "imagePullPolicy": "IfNotPresent",
        **({"command": list(engine.command)} if engine.command else {}),
        "args": list(engine.args),
        "env": [
            *pods.environment(engine.environment),
            *pods.of_the_pod(engine.of_the_pod),
            *pods.of_secrets(engine.of_secrets),
        ],
        "ports": ports(engine, payload_logging.engine_port(server)),
        **probes(server),
        "lifecycle": {"preStop": engine.pre_stop},
        "resources": resources(server),
        "securityContext": pods.CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts(server),
    }


def ports(engine: EnginePlan, named: str = "http") -> list[dict[str, Any]]:
    """`http` is what the model's Service sends to; an engine may have `grpc` and `metrics` beside it."""
    there = {named: engine.port, "grpc": engine.grpc_port, "metrics": engine.metrics_port}
    return [{"name": name, "containerPort": number, "protocol": "TCP"} for name, number in there.items() if number]


def probes(server: ServerPlan) -> dict[str, Any]:
    """The startup probe holds the others back for the cold-start budget, so that no liveness probe ends a load.

    The engine is asked itself, whatever stands before it; by number there, since KServe's agent knows no port by name.
    """
    port = server.engine.port if server.logging else "http"
    check = {"httpGet": {"path": server.engine.health_path, "port": port, "scheme": "HTTP"}}
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
    """Memory and GPUs as request and limit alike; no CPU limit, since throttling an engine only lengthens answers.

    What logs beside the engine asks for a share of the replica's cores, so that the pod asks for what the pool counts.
    Disk is asked for where there are GPUs: small clusters on CPUs often count none, and no pod that asks would fit.
    """
    beside = server.logging.cpus if server.logging else Cores(0)
    cpus = Cores(max(0, server.resources.cpus - beside))
    held = {"memory": server.resources.memory.quantity()}
    if server.resources.gpu_resource:
        held[server.resources.gpu_resource] = str(server.resources.gpus)
        held["ephemeral-storage"] = Bytes(SCRATCH_SIZE + LOGS).quantity()
    return {"requests": {"cpu": str(cpus), **held}, "limits": held}


def mounts(server: ServerPlan) -> list[dict[str, Any]]:
    weights = [
        {"name": WEIGHTS, "mountPath": model.mount, "subPath": model.weights.digest, "readOnly": True}
        for model in server.models
        if model.weights
    ]
    folders = [{"name": EMPTY, "mountPath": path, "readOnly": True} for path in server.engine.folders]
    shared = [{"name": "shared-memory", "mountPath": "/dev/shm"}] if server.engine.shared_memory else []
    return [*weights, *config_mounts(server.engine), *folders, {"name": "scratch", "mountPath": SCRATCH_MOUNT}, *shared]


def config_mounts(engine: EnginePlan) -> list[dict[str, Any]]:
    """Each file where it has a place of its own; else all of them in one folder."""
    placed = [
        {"name": CONFIG, "mountPath": path, "subPath": file, "readOnly": True} for file, path in engine.places.items()
    ]
    rest = engine.files.keys() - engine.places.keys()
    return placed if not rest else [*placed, {"name": CONFIG, "mountPath": CONFIG_MOUNT, "readOnly": True}]


def volumes(server: ServerPlan) -> list[dict[str, Any]]:
    """The claim is read-only twice, at the source and at the mount: either alone can be undone by a later edit."""
    claim = {"name": WEIGHTS, "persistentVolumeClaim": {"claimName": server.claim, "readOnly": True}}
    config = {"name": CONFIG, "configMap": {"name": config_name(server)}}
    scratch = {"name": "scratch", "emptyDir": {"sizeLimit": SCRATCH_SIZE.quantity()}}
    return [
        *([claim] if server.claim else []),
        *([config] if server.engine.files else []),
        *([{"name": EMPTY, "emptyDir": {}}] if server.engine.folders else []),
        scratch,
        *shared_memory(server),
    ]


def config_name(server: ServerPlan) -> str:
    """Named by its content, so that another text rolls the pods and the old ones keep theirs."""
    content = json.dumps(server.engine.files, sort_keys=True)
    return f"{name(server)}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def config_maps(server: ServerPlan) -> list[dict[str, Any]]:
    """What the engine reads beside the weights; none for most."""
    if not server.engine.files:
        return []
    metadata = {"name": config_name(server), "namespace": server.namespace, "labels": labels.of_server(server)}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(server.engine.files)}]


def shared_memory(server: ServerPlan) -> list[dict[str, Any]]:
    if server.engine.shared_memory is None:
        return []
    size = server.engine.shared_memory.quantity()
    return [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]
