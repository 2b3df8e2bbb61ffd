"""Existing nodes as a pool. Wires only; what is checked on a node are pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pulumi

from components import kubernetes
from components.checks import refuse
from substrate.manifests import cluster
from substrate.plan import PoolPlan


class NodeLabels(pulumi.CustomResource):
    """A server-side-apply patch: owns the labels it names and gives them back on destroy; answers with the whole node.

    A node that is read as a resource of its own would show its kubelet's heartbeats as drift.
    """

    spec: pulumi.Output[Mapping[str, Any]] = pulumi.property("spec")
    status: pulumi.Output[Mapping[str, Any]] = pulumi.property("status")

    def __init__(self, name: str, patch: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        pinned = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(version=kubernetes.PROVIDER_VERSION))
        # Only what is named here comes back as an output; an input of None is not sent.
        outputs: dict[str, Any] = {"spec": None, "status": None}
        super().__init__("kubernetes:core/v1:NodePatch", name, {**patch, **outputs}, pinned)


class GpuNodePool(pulumi.ComponentResource):
    """Labels on existing nodes, and the check that they are what the stack says: taint and GPUs.

    A node's taints are one atomic list to the API, so whoever applies one owns all of them, and an update would
    drop a cordon's. The taint is therefore set where nodes are registered, and verified here.
    Outputs: `nodes` (names).
    """

    nodes: list[str]

    def __init__(self, name: str, args: PoolPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:GpuNodePool", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        for node in args.nodes:
            labelled = NodeLabels(f"{name}/{node}", cluster.node_labels(args, node), child)
            # Each judged by itself: `all` would make an output of every value in a node's status, hundreds.
            taint = labelled.spec.apply(partial(taint_problem, args, node))
            gpus = labelled.status.apply(partial(gpu_problem, args, node))
            pulumi.Output.all(taint, gpus).apply(refuse)
        self.nodes = list(args.nodes)
        self.register_outputs({"nodes": self.nodes})


def taint_problem(pool: PoolPlan, node: str, spec: Mapping[str, Any] | None) -> list[str]:
    """With the command that mends it."""
    taints = (spec or {}).get("taints") or []
    if pool.taint is None or any(_same(pool, taint) for taint in taints):
        return []
    return [
        f"node {node} of pool {pool.name} lacks the taint {pool.taint}, so any pod may take its room.\n"
        f"  fix: kubectl taint node {node} {pool.taint}   (or registerWithTaints in its kubelet's configuration)"
    ]


def _same(pool: PoolPlan, taint: Mapping[str, Any]) -> bool:
    assert pool.taint is not None
    return (taint.get("key"), taint.get("effect")) == (pool.taint.key, pool.taint.effect)


def gpu_problem(pool: PoolPlan, node: str, status: Mapping[str, Any] | None) -> list[str]:
    """With the way to mend it."""
    if pool.gpu_resource is None:
        return []
    offered = int(((status or {}).get("allocatable") or {}).get(pool.gpu_resource, 0))
    if offered >= pool.gpus_per_node:
        return []
    return [
        f"node {node} of pool {pool.name} offers {offered} {pool.gpu_resource}, the stack says gpusPerNode: "
        f"{pool.gpus_per_node}.\n  fix: install or repair the device plugin on {node}, or correct gpusPerNode"
    ]
