"""What every pod of ours has in common: Pod Security `restricted`, placement, scratch space. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from substrate.manifests import labels
from substrate.plan.types import PoolPlan

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


def placement(pool: PoolPlan) -> dict[str, Any]:
    """Onto the pool's nodes and past their taint."""
    runtime = {"runtimeClassName": pool.runtime_class} if pool.runtime_class else {}
    return {
        "nodeSelector": {f"{labels.DOMAIN}/pool": pool.name},
        "tolerations": tolerations(pool),
        **runtime,
    }


def tolerations(pool: PoolPlan) -> list[dict[str, str]]:
    if pool.taint is None:
        return []
    return [{"key": pool.taint.key, "operator": "Exists", "effect": pool.taint.effect}]


def environment(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Sorted, so that the order of a mapping never shows as a change."""
    return [{"name": name, "value": value} for name, value in sorted(values.items())]


def spec(pool: PoolPlan, **fields: Any) -> dict[str, Any]:
    """A pod spec of ours: no service account token, no service links (a Service named vllm would break the engine)."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        **placement(pool),
        **fields,
    }
