"""What scales a model. Wires only; the objects are built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import autoscaling, serving
from substrate.plan import ServerPlan


class Autoscaler(pulumi.ComponentResource):
    """The scaler of a server's Deployment, which is there before it: KEDA's ScaledObject, with what wakes the server
    from zero, or a HorizontalPodAutoscaler of metrics through prometheus-adapter.

    Raises ValueError for a server that nothing of ours scales.
    Outputs: `scaler` (its name), `bounds` (least and most replicas).
    """

    scaler: str
    bounds: list[int]

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:Autoscaler", name, kubernetes.properties(args), opts)
        if args.scaling is None or not args.scaled:
            raise ValueError(f"{args.name} has no scaler of ours")
        child = kubernetes.children(self, opts)
        *before, scaler = autoscaling.objects(args)
        made = [kubernetes.create(manifest, child) for manifest in before]
        kubernetes.create(scaler, kubernetes.after(child, *made))
        self.scaler = serving.name(args)
        self.bounds = [args.scaling.min, args.scaling.max]
        self.register_outputs({"scaler": self.scaler, "bounds": self.bounds})
