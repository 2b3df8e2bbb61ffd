"""The stack: load the catalogue, plan it, compose the components, export the endpoints."""

from pathlib import Path

import pulumi
from pulumi_kubernetes import Provider

from components import GpuNodePool, Model, StagedWeights, Team, VllmService
from substrate.catalog import CatalogError, load
from substrate.catalog.model import Catalog
from substrate.plan import plan_stack


def read_catalog(stack: str) -> Catalog:
    """The stack file, checked against what the engine read from it; nothing is registered before it is valid."""
    config = pulumi.Config("substrate")
    engine = {key: config.get_object(key) for key in Catalog.model_fields}
    try:
        return load(Path(__file__).parent / f"Pulumi.{stack}.yaml", engine)
    except CatalogError as error:
        raise pulumi.RunError(str(error)) from None


plan = plan_stack(read_catalog(pulumi.get_stack()), pulumi.get_stack())
provider = Provider("cluster", context=plan.context, enable_config_map_mutable=True)
on_cluster = pulumi.ResourceOptions(provider=provider)

pools = {pool.name: GpuNodePool(pool.name, pool, on_cluster) for pool in plan.pools}
teams = {team.name: Team(team.team, team, on_cluster) for team in plan.namespaces}


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=provider, depends_on=list(resources))


staged = {
    (claim.namespace, claim.name): StagedWeights(
        f"{claim.namespace}/{claim.name}", claim, after(teams[claim.namespace], *pools.values())
    )
    for claim in plan.claims
}

models = {}
for server in plan.servers:
    models[server.name] = Model(server.name, server, after(teams[server.namespace]))
    weights = staged[server.namespace, server.claim].jobs[server.name]
    VllmService(f"{server.name}-{server.foundation}", server, after(models[server.name], weights))

pulumi.export("endpoints", {name: model.url for name, model in models.items()})
pulumi.export("coldStartBudgetSeconds", {server.name: float(server.startup.budget) for server in plan.servers})
