"""The foundation triton: a Deployment of one Triton server. Wires only; substrate.manifests builds the objects."""

from __future__ import annotations

import pulumi

from components import kubernetes, workload
from substrate.manifests import serving
from substrate.plan import ServerPlan


class TritonServer(pulumi.ComponentResource):
    """Several models in one server: its model repository out of mounts, dynamic batching, ensembles, HTTP and gRPC.

    Raises ValueError for a server that is planned for another engine.
    Outputs: `deployment` (its name), `loaded` (models in memory from the start, by served name), `cold_start_budget`
    (seconds).
    """

    deployment: str
    loaded: list[str]
    cold_start_budget: float

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:TritonServer", name, kubernetes.properties(args), opts)
        if not all(model.triton for model in args.models):
            raise ValueError(f"{args.name} is planned for {args.engine.name}, not for Triton")
        workload.deploy(self, args, opts)
        self.deployment = serving.name(args)
        self.loaded = [model.served_name for model in args.models if model.triton and model.triton.loaded]
        self.cold_start_budget = float(args.startup.budget)
        self.register_outputs(
            {"deployment": self.deployment, "loaded": self.loaded, "coldStartBudget": self.cold_start_budget}
        )
