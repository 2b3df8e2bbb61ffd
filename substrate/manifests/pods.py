"""What every pod of ours has in common: Pod Security `restricted`, placement, scratch space. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from substrate.manifests import labels
from substrate.plan.types import PoolPlan, TaintPlan

# Distroless' nonroot, above 10000 as checkov and trivy ask; the group owns what the stager writes.
USER = 65532

POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    # A recursive chown of 100 GB of weights at each pod start would be a cold start of its own.
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}

CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


# No service account token, no service links: a Service named vllm would break the engine.
COMMON: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "securityContext": POD_SECURITY,
}


def placement(pool: PoolPlan) -> dict[str, Any]:
    """Onto the pool's nodes and past their taint."""
    runtime = {"runtimeClassName": pool.runtime_class} if pool.runtime_class else {}
    return {
        "nodeSelector": {f"{labels.DOMAIN}/pool": pool.name},
        "tolerations": tolerations(pool),
        **runtime,
    }


def tolerations(pool: PoolPlan) -> list[dict[str, str]]:
    return [toleration(pool.taint)] if pool.taint else []


def toleration(taint: TaintPlan) -> dict[str, str]:
    return {"key": taint.key, "operator": "Exists", "effect": taint.effect}


def spread(selector: Mapping[str, str]) -> dict[str, Any]:
    """Replicas on different nodes where there are some, and no replica held back where there is one node."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
    }


def disruption_budget(metadata: Mapping[str, Any], selector: Mapping[str, str]) -> dict[str, Any]:
    """One replica at a time may be evicted, the last and only one too: a drain must end."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": dict(metadata),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": dict(selector)},
        },
    }


def environment(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Sorted, so that the order of a mapping never shows as a change."""
    return [{"name": name, "value": value} for name, value in sorted(values.items())]


def of_the_pod(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Variables that hold what the pod is, by the path of the field."""
    return [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in sorted(values.items())]


def of_secrets(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Variables that stand under their own name in a Secret, by the Secret."""
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}}
        for name, secret in sorted(values.items())
    ]


def spec(pool: PoolPlan, **fields: Any) -> dict[str, Any]:
    """A pod spec of ours on a pool."""
    return {**COMMON, **placement(pool), **fields}
