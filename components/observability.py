"""What observes a stack, in the Prometheus and Grafana that are there already. Wires only; see substrate.manifests."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components import kubernetes
from substrate.manifests import observability
from substrate.plan import StackPlan
from substrate.plan.scaling import MonitoringPlan


class Observability(pulumi.ComponentResource):
    """Monitors in each team's namespace; recording rules, alerts and dashboards in that of the Prometheus.

    Rules come after the workloads, `served`: a model whose first start is awaited is no incident.
    Outputs: `prometheus` (its URL inside the cluster).
    """

    prometheus: str

    def __init__(
        self,
        name: str,
        args: MonitoringPlan,
        plan: StackPlan,
        served: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("substrate:index:Observability", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        for reader in observability.readers(plan, args):
            kubernetes.create(reader, child)
        afterwards = kubernetes.after(child, *served)
        for judge in observability.judges(plan, args):
            kubernetes.create(judge, afterwards)
        self.prometheus = args.prometheus
        self.register_outputs({"prometheus": args.prometheus})
