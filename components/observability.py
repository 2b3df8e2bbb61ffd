"""What observes a stack, in the Prometheus and Grafana that are there already. Wires only; see substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import observability
from substrate.plan import StackPlan
from substrate.plan.scaling import MonitoringPlan


class Observability(pulumi.ComponentResource):
    """Monitors in each team's namespace; recording rules, alerts and dashboards in that of the Prometheus.

    It waits for no model: what their staging and first starts do is to be seen while they do it.
    Outputs: `prometheus` (its URL inside the cluster).
    """

    prometheus: str

    def __init__(
        self,
        name: str,
        args: MonitoringPlan,
        plan: StackPlan,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("substrate:index:Observability", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        for each in (*observability.readers(plan, args), *observability.judges(plan, args)):
            kubernetes.create(each, child)
        self.prometheus = args.prometheus
        self.register_outputs({"prometheus": args.prometheus})
