"""The front door's objects: a pod of Envoy, its files, its Service, its route. Pure; imports the plan's types."""

from __future__ import annotations

import hashlib
from typing import Any

from substrate.manifests import cluster, envoy, labels, pods, routing
from substrate.manifests.envoy import api
from substrate.plan.reach import SERVICE_PORT
from substrate.plan.types import FrontDoorPlan

NAME = "front-door"
# Envoy ends at once when it is told to: what is in flight has this long after the last new request.
DRAIN_SECONDS = 30
MEMORY_AT_REST = "96Mi"  # 68 MiB were measured
# For its image to come the first time; it serves within a second.
PROGRESS_SECONDS = 300


def namespace(plan: FrontDoorPlan) -> dict[str, Any]:
    return cluster.restricted(plan.namespace, plan.pod_security_version, labels.of_front_door(), plan.network)


def objects(plan: FrontDoorPlan) -> list[dict[str, Any]]:
    """All that it is made of, in the order in which it is made; the Secret of the keys is somebody else's."""
    return [config_map(plan), service(plan), disruption_budget(plan), route(plan), deployment(plan)]


def metadata(plan: FrontDoorPlan, **annotations: str) -> dict[str, Any]:
    said = {"annotations": {f"pulumi.com/{name}": value for name, value in annotations.items()}} if annotations else {}
    return {"name": NAME, "namespace": plan.namespace, "labels": labels.of_front_door(), **said}


def config_map(plan: FrontDoorPlan) -> dict[str, Any]:
    """Changed in place: its pods read it again, within a minute or two, and end no stream for it."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(plan), "data": envoy.files(plan)}


def service(plan: FrontDoorPlan) -> dict[str, Any]:
    """The provider would wait for endpoints, and what makes them is awaited itself."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(plan, skipAwait="true"),
        "spec": {
            "type": "ClusterIP",
            "selector": labels.front_door_selector(),
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def disruption_budget(plan: FrontDoorPlan) -> dict[str, Any]:
    return pods.disruption_budget(metadata(plan), labels.front_door_selector())


def route(plan: FrontDoorPlan) -> dict[str, Any]:
    """`<baseUrl>/v1/...`, as it is."""
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
        "backendRefs": [{"group": "", "kind": "Service", "name": NAME, "port": SERVICE_PORT, "weight": 1}],
        "timeouts": routing.UNBOUNDED,
    }
    return routing.route(route_metadata(plan), (plan.gateway_name, plan.gateway_namespace), rule)


def route_metadata(plan: FrontDoorPlan) -> dict[str, Any]:
    """It leads to language models, though no pod behind it is one."""
    keys = f"the front door, by the keys of Secret {plan.keys_secret}" if plan.keys_secret else None
    said = metadata(plan)
    return {
        **said,
        "labels": {**said["labels"], **labels.leads_to_models()},
        "annotations": labels.of_route(plan.url, keys or plan.authenticated_by),
    }


def deployment(plan: FrontDoorPlan) -> dict[str, Any]:
    """Deleted without a wait for the pods, which go on for their drain."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(plan, deletionPropagationPolicy="background"),
        "spec": {
            "replicas": plan.replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": PROGRESS_SECONDS,
            "selector": {"matchLabels": labels.front_door_selector()},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": template(plan),
        },
    }


def template(plan: FrontDoorPlan) -> dict[str, Any]:
    """What Envoy reads only at its start is named by its digest: with another, other pods are made."""
    digest = hashlib.sha256(envoy.files(plan)[envoy.BOOTSTRAP].encode()).hexdigest()
    return {
        "metadata": {
            "labels": labels.of_front_door(),
            "annotations": {f"{labels.DOMAIN}/bootstrap-digest": digest},
        },
        "spec": pod(plan),
    }


def pod(plan: FrontDoorPlan) -> dict[str, Any]:
    return {
        **pods.COMMON,
        **placement(plan),
        "terminationGracePeriodSeconds": DRAIN_SECONDS + 5,
        "topologySpreadConstraints": [pods.spread(labels.front_door_selector())],
        "containers": [container(plan)],
        "volumes": volumes(plan),
    }


def placement(plan: FrontDoorPlan) -> dict[str, Any]:
    """Beside the pools, whose nodes are for models; on one of theirs where there is no other."""
    elsewhere = {"matchExpressions": [{"key": f"{labels.DOMAIN}/pool", "operator": "DoesNotExist"}]}
    preferred = [{"weight": 100, "preference": elsewhere}]
    return {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
        "tolerations": [pods.toleration(taint) for taint in plan.taints],
    }


def container(plan: FrontDoorPlan) -> dict[str, Any]:
    memory = {"memory": plan.memory.quantity()}
    return {
        "name": "envoy",
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            *("--config-path", f"{api.CONFIGURATION}/{envoy.BOOTSTRAP}"),
            *("--concurrency", "2", "--disable-hot-restart"),
        ],
        "ports": [
            {"name": "http", "containerPort": api.PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": api.METRICS_PORT, "protocol": "TCP"},
        ],
        **probes(),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "resources": {"requests": {"cpu": plan.cpu, "memory": MEMORY_AT_REST}, "limits": memory},
        "securityContext": pods.CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts(plan),
    }


def probes() -> dict[str, Any]:
    check = {"httpGet": {"path": "/ready", "port": "metrics", "scheme": "HTTP"}}
    return {
        "startupProbe": {**check, "periodSeconds": 1, "failureThreshold": 60},
        # Patient: one that is slow under load and taken off its Service takes every model with it.
        "readinessProbe": {**check, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 4},
        "livenessProbe": {**check, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def mounts(plan: FrontDoorPlan) -> list[dict[str, Any]]:
    keys = [{"name": "keys", "mountPath": api.KEYS, "readOnly": True}] if plan.keys_secret else []
    return [
        {"name": "configuration", "mountPath": api.CONFIGURATION, "readOnly": True},
        {"name": "scratch", "mountPath": "/tmp"},
        *keys,
    ]


def volumes(plan: FrontDoorPlan) -> list[dict[str, Any]]:
    keys = [{"name": "keys", "secret": {"secretName": plan.keys_secret}}] if plan.keys_secret else []
    return [
        {"name": "configuration", "configMap": {"name": NAME}},
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},  # the admin interface's socket
        *keys,
    ]
