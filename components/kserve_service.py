"""A model on KServe: its InferenceService or LLMInferenceService. Wires only; substrate.manifests builds the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components import kubernetes
from substrate.facts.kserve import LLM_INFERENCE_SERVICE
from substrate.manifests import kserve, kserve_parts, llm_inference_service, serving
from substrate.plan import KServePlan, ServerPlan


class KServeService(pulumi.ComponentResource):
    """A model's workload on the foundation kserve, awaited until KServe says that it is ready.

    Raises ValueError for a server that is planned for another foundation.
    Outputs: `inference_service` (its name), `cold_start_budget` (seconds).
    """

    inference_service: str
    cold_start_budget: float

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:KServeService", name, kubernetes.properties(args), opts)
        if args.kserve is None:
            raise ValueError(f"{args.name} is planned for {args.foundation}, not for kserve")
        child = kubernetes.waiting(kubernetes.children(self, opts), args.startup.progress_deadline + args.grace)
        for budget in kserve_parts.disruption_budgets(args, args.kserve):
            kubernetes.create(budget, child)
        config = [kubernetes.create(manifest, child) for manifest in serving.config_maps(args)]
        kubernetes.create(workload(args, args.kserve), kubernetes.after(child, *config))
        self.inference_service = serving.name(args)
        self.cold_start_budget = float(args.startup.budget)
        self.register_outputs({"inferenceService": self.inference_service, "coldStartBudget": self.cold_start_budget})


def workload(server: ServerPlan, plan: KServePlan) -> Mapping[str, Any]:
    """The object of the kind that the model asks for."""
    if plan.resource == LLM_INFERENCE_SERVICE:
        return llm_inference_service.llm_inference_service(server)
    return kserve.inference_service(server, plan)
