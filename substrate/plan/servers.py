"""One server of a catalogue -> its ServerPlan. Pure; imports the catalogue, facts, fit and the plan's own files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from substrate import fit
from substrate.catalog import resolve
from substrate.catalog.model import Catalog
from substrate.catalog.types import Downtime, Foundation, Permission
from substrate.facts.accelerators import ACCELERATORS, Accelerator
from substrate.facts.engines import ENGINES as FACTS
from substrate.facts.engines import KSERVE_MOUNT, MODELS_MOUNT
from substrate.plan import autoscaling, bento, kserve
from substrate.plan.engines import ENGINES, Engine, Placement, Serving
from substrate.plan.engines.nim import KEY as NGC_KEY
from substrate.plan.engines.several import SEVERAL
from substrate.plan.engines.triton import for_models, version_of
from substrate.plan.logging import grace, logging_plan
from substrate.plan.rollout import rollout
from substrate.plan.startup import cold_start
from substrate.plan.triton import triton_of
from substrate.plan.types import (
    EnginePlan,
    ModelPlan,
    PoolPlan,
    ResourcesPlan,
    RolloutPlan,
    ServerPlan,
    WeightsPlan,
)
from substrate.values import Bytes


@dataclass(frozen=True)
class Stack:
    """What all servers of a stack are planned from. `held`: units of each pool that its models always hold."""

    catalog: Catalog
    name: str
    pools: Mapping[str, PoolPlan]
    weights: Mapping[str, WeightsPlan]
    held: Mapping[str, float]


def plan_server(stack: Stack, name: str, names: Sequence[str]) -> ServerPlan:
    """The workload that holds the models `names`. What they share is read of the first: the rules see to that."""
    catalog, weights, first = stack.catalog, stack.weights, names[0]
    team = resolve.team_of(catalog, first)
    # Of those that have weights: an ensemble has none, and names no store.
    store = next((resolve.store_of(catalog, each) for each in names if each in weights), None)
    replicas = resolve.replicas_of(catalog, first)
    placement = _placement(catalog, first)
    engine = ENGINES[resolve.engine_of(catalog, first)]
    foundation = resolve.foundation_of(catalog, first)
    logging = logging_plan(catalog, first)
    models = tuple(_model(catalog, each, weights.get(each), engine, len(names) > 1) for each in names)
    staged = Bytes(sum(model.weights.bytes for model in models if model.weights))
    running = _engine(catalog, engine, models, placement)
    speed = catalog.stores[store].read_mi_bps if store and staged else 1
    server = ServerPlan(
        name=name,
        namespace=namespace_of(catalog, team),
        team=team,
        tier=str(resolve.tier_of(catalog, first)),
        foundation=str(foundation),
        implied=name not in catalog.servers,
        models=models,
        engine=running,
        pool=stack.pools[catalog.models[first].pool],
        claim=f"weights-{store}" if staged else None,
        resources=_resources(catalog, names, engine, placement, staged, running.shared_memory),
        min_replicas=replicas.min,
        max_replicas=replicas.max,
        startup=cold_start(staged, speed, engine.start(placement)),
        rollout=_rollout(stack, first),
        grace=grace(engine.grace(), logging),
        gateway_name=catalog.cluster.gateway.name,
        gateway_namespace=catalog.cluster.gateway.namespace,
        authenticated_by=catalog.cluster.gateway.authenticated_by,
        downtime_allowed=catalog.models[first].downtime is Downtime.ALLOW,
        kserve=kserve.of_model(catalog, stack.name, first) if foundation is Foundation.KSERVE else None,
        exemptions={rule: why for each in names for rule, why in sorted(catalog.models[each].exemptions.items())},
        logging=logging,
    )
    made = bento.planned(catalog, server) if foundation is Foundation.BENTOML else server
    return replace(made, scaling=autoscaling.planned(catalog, made))


def namespace_of(catalog: Catalog, team: str) -> str:
    return catalog.teams[team].namespace or team


def _model(catalog: Catalog, name: str, weights: WeightsPlan | None, engine: Engine, several: bool) -> ModelPlan:
    """Where a server holds several models, each has a folder of its own."""
    mount = KSERVE_MOUNT if resolve.foundation_of(catalog, name) is Foundation.KSERVE else MODELS_MOUNT
    served, triton = resolve.served_name_of(catalog, name), triton_of(catalog, name)
    return ModelPlan(
        name=name,
        served_name=served,
        weights=weights,
        context=catalog.models[name].context,
        parallel=resolve.parallel_of(catalog, name),
        url=f"{catalog.cluster.base_url}/{name}",
        endpoint=engine.endpoint,
        mount=version_of(served) if triton else f"{mount}/{name}" if several else mount,
        triton=triton,
        remote_code=Permission.TRUST_REMOTE_CODE in catalog.models[name].permissions,
    )


def _accelerator(catalog: Catalog, name: str) -> Accelerator:
    return ACCELERATORS[catalog.pools[catalog.models[name].pool].accelerator]


def _placement(catalog: Catalog, name: str) -> Placement:
    accelerator = _accelerator(catalog, name)
    return Placement(
        gpus=resolve.gpus_of(catalog, name),
        cpus=resolve.cpus_of(catalog, name),
        compute_capability=accelerator.compute_capability,
        bf16=accelerator.bf16,
    )


def _serving(catalog: Catalog, model: ModelPlan) -> Serving:
    files = model.weights.files if model.weights else ()
    adapter = catalog.models[model.name].adapter
    return Serving(
        served_name=model.served_name,
        files=tuple(file.path for file in files),
        context=model.context or 0,
        parallel=model.parallel,
        mount=model.mount,
        digests={file.path: file.sha256 for file in files},
        kv_cache=fit.of(catalog, model.name).kv if model.context else None,
        adapter_rank=adapter.rank if adapter else None,
    )


def _engine(catalog: Catalog, engine: Engine, models: Sequence[ModelPlan], placement: Placement) -> EnginePlan:
    servings = [_serving(catalog, model) for model in models]
    serving = servings[0]
    together = SEVERAL.get(engine.name) if len(models) > 1 else None
    resident = fit.resident(catalog, [model.name for model in models]) if together else 1
    args = together.args(servings, placement, resident) if together else engine.args(serving, placement)
    extra = [argument for model in models for argument in catalog.models[model.name].extra_args]
    facts = FACTS.get(engine.name)
    nim = catalog.models[models[0].name].nim
    plan = EnginePlan(
        name=engine.name,
        image=nim.image if nim else catalog.defaults.images.get(engine.name) or engine.image(placement),
        port=engine.port,
        health_path=together.health(servings) if together else engine.health(serving),
        metrics_path=together.metrics_path if together else engine.metrics_path,
        args=(*args, *extra),
        environment=(
            together.environment(servings, placement, resident) if together else engine.environment(serving, placement)
        ),
        pre_stop=together.pre_stop(servings) if together else engine.pre_stop(),
        shared_memory=engine.shared_memory(placement),
        command=engine.command,
        files=together.files(servings, placement, resident) if together else {},
        of_secrets={NGC_KEY: nim.secret_ref} if nim and nim.secret_ref else {},
        pull_secret=nim.pull_secret_ref if nim else None,
        grpc_port=facts.grpc_port if facts else None,
        metrics_port=facts.metrics_port if facts else None,
    )
    triton = {model.served_name: model.triton for model in models if model.triton}
    return for_models(plan, triton) if triton else plan


def _resources(
    catalog: Catalog,
    names: Sequence[str],
    engine: Engine,
    placement: Placement,
    weights: Bytes,
    shared_memory: Bytes | None,
) -> ResourcesPlan:
    """On a CPU pool the fit's need is main memory; on a GPU pool it lies on the card and the host keeps the engine."""
    host = engine.host_memory(weights, placement) if placement.gpus else fit.together(catalog, names)
    memory = Bytes(Bytes(host).mebibytes * 1024**2 + (shared_memory or 0))
    return ResourcesPlan(
        cpus=placement.cpus,
        memory=memory,
        gpus=placement.gpus,
        gpu_resource=_accelerator(catalog, names[0]).resource if placement.gpus else None,
    )


def _rollout(stack: Stack, name: str) -> RolloutPlan:
    pool = stack.catalog.models[name].pool
    there = resolve.pool_units(stack.catalog.pools[pool])
    return rollout(there, stack.held[pool], resolve.units_of(stack.catalog, name))
