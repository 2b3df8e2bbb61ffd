"""What a stack makes once: namespaces and the labels of its pools' nodes. Pure."""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels
from substrate.plan.types import NamespacePlan, PoolPlan


def namespace(plan: NamespacePlan) -> dict[str, Any]:
    """Pod Security `restricted`, enforced at a pinned version; warnings and audit at the same."""
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "warn", "audit")
        for suffix, value in (("", "restricted"), ("-version", plan.pod_security_version))
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": plan.name, "labels": {**labels.of_team(plan.team), **security}},
    }


def node_labels(pool: PoolPlan, node: str) -> dict[str, Any]:
    """A server-side-apply patch: owns these labels and nothing else of the node."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node, "labels": labels.of_node(pool.name, pool.accelerator)},
    }
