"""What observes a stack, in the Prometheus and Grafana that are there already. Wires only; see substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from components.existing import Existing
from substrate.manifests import observability
from substrate.plan import StackPlan
from substrate.plan.scaling import MonitoringPlan


class Observability(pulumi.ComponentResource):
    """Monitors in each team's namespace; recording rules, alerts and dashboards in that of the Prometheus.

    That namespace must be there: without it a preview ends. No model is waited for: what their staging and first starts
    do is to be seen while they do it.
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
        there = kubernetes.after(child, *_watched_from(args, plan, child))
        for each in observability.readers(plan, args):
            kubernetes.create(each, child)
        for each in observability.judges(plan, args):
            kubernetes.create(each, there)
        self.prometheus = args.prometheus
        self.register_outputs({"prometheus": args.prometheus})


def _watched_from(args: MonitoringPlan, plan: StackPlan, child: pulumi.ResourceOptions) -> list[Existing]:
    """The namespace of the Prometheus, unless it is one that this stack makes."""
    if args.namespace in (namespace.name for namespace in plan.namespaces):
        return []
    return [Existing("kubernetes:core/v1:Namespace", args.namespace, "substrate:monitoring", child)]
