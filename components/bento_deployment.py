"""The foundation bentoml: a Deployment, or one for each stage. Wires only; built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import bento, serving
from substrate.plan import ServerPlan


class BentoDeployment(pulumi.ComponentResource):
    """A bento's workload, awaited for as long as its cold start may take; a pipeline's entry after all its stages.

    Raises ValueError for a server that is planned for another foundation.
    Outputs: `deployment` (its name), `stages` (the names of the others'), `cold_start_budget` (seconds).
    """

    deployment: str
    stages: list[str]
    cold_start_budget: float

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:BentoDeployment", name, kubernetes.properties(args), opts)
        if args.bento is None:
            raise ValueError(f"{args.name} is planned for {args.foundation}, not for bentoml")
        child = kubernetes.waiting(kubernetes.children(self, opts), args.startup.progress_deadline + args.grace)
        stages = [kubernetes.create(manifest, child) for manifest in bento.stage_objects(args, args.bento)]
        kubernetes.create(bento.deployment(args, args.bento), kubernetes.after(child, *stages))
        self.deployment = serving.name(args)
        self.stages = [stage.name for stage in args.bento.stages]
        self.cold_start_budget = float(args.startup.budget)
        outputs = {"deployment": self.deployment, "stages": self.stages}
        self.register_outputs({**outputs, "coldStartBudget": self.cold_start_budget})
