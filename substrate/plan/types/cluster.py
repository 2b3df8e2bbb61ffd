"""What of a cluster a stack uses: namespaces and who reaches them, pools and their taints. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DestinationPlan:
    """Where a team's pods send to: a namespace of the cluster on any port; where that is None, `ports` outside it."""

    namespace: str | None
    ports: tuple[int, ...]


@dataclass(frozen=True)
class NetworkPlan:
    """Who reaches a namespace's pods, and what they reach.

    `gateway` is the namespace of the Gateway's pods, `knative` that of Knative's network layer, `waker` that of what
    wakes models at zero, `monitoring` that of what reads their metrics, where a stack has one. `sources` are where
    weights are staged from, `sinks` where copies of requests go.
    """

    gateway: str
    knative: str | None
    waker: str | None
    monitoring: str | None
    sources: tuple[DestinationPlan, ...]
    sinks: tuple[DestinationPlan, ...]


@dataclass(frozen=True)
class NamespacePlan:
    """A team's namespace. Pod Security `restricted` is enforced at `pod_security_version`.

    `network` is None where the stack asks for no NetworkPolicies.
    """

    name: str
    team: str
    pod_security_version: str
    network: NetworkPlan | None


@dataclass(frozen=True)
class TaintPlan:
    """A taint that the pool's nodes carry and its pods tolerate."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}"


@dataclass(frozen=True)
class PoolPlan:
    """Existing nodes of one accelerator. `gpu_resource` is None on a CPU pool."""

    name: str
    accelerator: str
    nodes: tuple[str, ...]
    gpu_resource: str | None
    gpus_per_node: int
    taint: TaintPlan | None
    runtime_class: str | None
