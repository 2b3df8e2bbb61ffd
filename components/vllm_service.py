"""The plain foundation: a Deployment of vLLM or llama.cpp. Wires only; the object is built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes, workload
from substrate.manifests import serving
from substrate.plan import ServerPlan


class VllmService(pulumi.ComponentResource):
    """A model's workload on the plain foundation, awaited for as long as its cold start may take.

    Outputs: `deployment` (its name), `cold_start_budget` (seconds).
    """

    deployment: str
    cold_start_budget: float

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:VllmService", name, kubernetes.properties(args), opts)
        workload.deploy(self, args, opts)
        self.deployment = serving.name(args)
        self.cold_start_budget = float(args.startup.budget)
        self.register_outputs({"deployment": self.deployment, "coldStartBudget": self.cold_start_budget})
