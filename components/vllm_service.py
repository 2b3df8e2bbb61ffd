"""The plain foundation: a Deployment of vLLM or llama.cpp. Wires only; the object is built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import serving
from substrate.plan import ServerPlan
from substrate.values import Duration

# The Deployment gives up at its own deadline first, with the pod's reason; this only bounds the wait for that word.
AFTER_DEADLINE = Duration(60)


class VllmService(pulumi.ComponentResource):
    """A model's workload on the plain foundation, awaited for as long as its cold start may take.

    Outputs: `deployment` (its name), `cold_start_budget` (seconds).
    """

    deployment: str
    cold_start_budget: float

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:VllmService", name, kubernetes.properties(args), opts)
        wait = Duration(args.startup.progress_deadline + args.grace + AFTER_DEADLINE)
        child = kubernetes.waiting(kubernetes.children(self, opts), wait)
        kubernetes.create(serving.deployment(args), child)
        self.deployment = serving.name(args)
        self.cold_start_budget = float(args.startup.budget)
        self.register_outputs({"deployment": self.deployment, "coldStartBudget": self.cold_start_budget})
