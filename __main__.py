"""The stack: load the catalogue, plan it, compose the components, export the endpoints."""

from pathlib import Path

import pulumi
from pulumi_kubernetes import Provider

from components import FrontDoor, GpuNodePool, KServePlatform, Model, Observability, StagedWeights, Team, foundations
from substrate.catalog import CatalogError, load
from substrate.catalog.model import Catalog
from substrate.catalog.shape import SECTIONS
from substrate.plan import plan_stack
from substrate.plan.outputs import outputs


def read_catalog(stack: str) -> Catalog:
    """The stack file, checked against what the engine read from it; nothing is registered before it is valid."""
    config = pulumi.Config("substrate")
    engine = {key: config.get_object(key) for key in SECTIONS}
    try:
        return load(Path(__file__).parent / f"Pulumi.{stack}.yaml", engine)
    except CatalogError as error:
        raise pulumi.RunError(str(error)) from None


plan = plan_stack(read_catalog(pulumi.get_stack()), pulumi.get_stack())
foundations.permit(plan, Path(__file__).parent)
provider = Provider("cluster", context=plan.context, enable_config_map_mutable=True)
on_cluster = pulumi.ResourceOptions(provider=provider)

pools = {pool.name: GpuNodePool(pool.name, pool, on_cluster) for pool in plan.pools}
platforms = [KServePlatform("kserve", plan.kserve, on_cluster)] if plan.kserve else []
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
    jobs = staged[server.namespace, server.claim].jobs if server.claim else {}
    weights = [jobs[model.name] for model in server.models if model.weights]
    needs = after(models[server.name], *weights, *(platforms if server.kserve else ()))
    foundations.serve(server, needs)

doors = [FrontDoor("front-door", plan.front_door, after(*models.values()))] if plan.front_door else []
if plan.monitoring:
    Observability("observability", plan.monitoring, plan, after(*teams.values(), *doors))
for name, value in outputs(plan).items():
    pulumi.export(name, value)
