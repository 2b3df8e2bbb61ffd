"""Catalogue -> StackPlan. Pure; imports the catalogue, facts, fit and the plan's own files.

Each function resolves one thing; `plan_stack` only composes them. A catalogue that was loaded is valid, so nothing here
checks it again.
"""

from __future__ import annotations

from itertools import groupby

from substrate import fit
from substrate.catalog import resolve
from substrate.catalog.model import Catalog, Pool, Taint
from substrate.facts.accelerators import ACCELERATORS, Accelerator
from substrate.plan.engines import ENGINES, Engine, Placement, Serving
from substrate.plan.rollout import rollout
from substrate.plan.startup import cold_start, staging_timeout
from substrate.plan.types import (
    ClaimPlan,
    EnginePlan,
    ModelPlan,
    NamespacePlan,
    NfsPlan,
    PoolPlan,
    ResourcesPlan,
    RolloutPlan,
    ServerPlan,
    StackPlan,
    TaintPlan,
    WeightsPlan,
)
from substrate.plan.weights import files_of, listing_digest, source_of
from substrate.values import Bytes

# Pinned, so that a cluster's upgrade does not change what is admitted: the newest that a 1.33 cluster knows too.
POD_SECURITY_VERSION = "v1.33"
STAGER_IMAGE = "substrate.local/stager:0.1.0"
DEFAULT_CPUS = 2


def plan_stack(catalog: Catalog, stack: str) -> StackPlan:
    """Resolve a whole catalogue. `stack` names the stack, for objects that belong to the cluster as a whole."""
    pools = {name: _pool(name, pool) for name, pool in sorted(catalog.pools.items())}
    weights = {name: _weights(catalog, name, pools) for name in sorted(catalog.models)}
    return StackPlan(
        name=stack,
        context=catalog.cluster.context,
        namespaces=tuple(
            NamespacePlan(_namespace(catalog, team), team, POD_SECURITY_VERSION) for team in sorted(catalog.teams)
        ),
        pools=tuple(pools.values()),
        claims=_claims(catalog, stack, weights),
        servers=tuple(_server(catalog, name, pools, weights[name]) for name in sorted(catalog.models)),
    )


def _namespace(catalog: Catalog, team: str) -> str:
    return catalog.teams[team].namespace or team


def _pool(name: str, pool: Pool) -> PoolPlan:
    accelerator = ACCELERATORS[pool.accelerator]
    gpus = resolve.gpus_per_node(pool)
    taint = pool.taint or (Taint() if gpus else None)
    return PoolPlan(
        name=name,
        accelerator=pool.accelerator,
        nodes=tuple(pool.nodes),
        gpu_resource=accelerator.resource if gpus else None,
        gpus_per_node=gpus,
        taint=TaintPlan(taint.key, taint.value, taint.effect) if taint else None,
        runtime_class=pool.runtime_class,
    )


def _weights(catalog: Catalog, name: str, pools: dict[str, PoolPlan]) -> WeightsPlan:
    model = catalog.models[name]
    files = files_of(model.weights)
    return WeightsPlan(
        model=name,
        digest=listing_digest(files),
        source=source_of(model.weights),
        files=files,
        pool=pools[model.pool],
        stager_image=catalog.defaults.images.get("stager", STAGER_IMAGE),
        timeout=staging_timeout(Bytes(sum(file.size for file in files))),
    )


def _claims(catalog: Catalog, stack: str, weights: dict[str, WeightsPlan]) -> tuple[ClaimPlan, ...]:
    """One claim for each pair of team and store that a model uses."""

    def owner(model: str) -> tuple[str, str]:
        return resolve.team_of(catalog, model), resolve.store_of(catalog, model)

    pairs = groupby(sorted(weights, key=lambda model: (owner(model), model)), key=owner)
    return tuple(
        _claim(catalog, stack, team, store, tuple(weights[model] for model in models))
        for (team, store), models in pairs
    )


def _claim(catalog: Catalog, stack: str, team: str, name: str, weights: tuple[WeightsPlan, ...]) -> ClaimPlan:
    store = catalog.stores[name]
    return ClaimPlan(
        name=f"weights-{name}",
        namespace=_namespace(catalog, team),
        team=team,
        store=name,
        size=store.size,
        access_mode=str(resolve.access_mode_of(store)),
        storage_class=store.storage_class,
        nfs=NfsPlan(store.nfs.server, store.nfs.path) if store.nfs else None,
        volume=f"{stack}-{name}-{team}" if store.nfs else None,
        weights=weights,
    )


def _server(catalog: Catalog, name: str, pools: dict[str, PoolPlan], weights: WeightsPlan) -> ServerPlan:
    """The server implied by a model that stands alone."""
    store = resolve.store_of(catalog, name)
    team = resolve.team_of(catalog, name)
    replicas = resolve.replicas_of(catalog, name)
    placement = _placement(catalog, name)
    engine = ENGINES[resolve.engine_of(catalog, name)]
    model = ModelPlan(
        name,
        resolve.served_name_of(catalog, name),
        weights,
        catalog.models[name].context,
        resolve.parallel_of(catalog, name),
    )
    return ServerPlan(
        name=name,
        namespace=_namespace(catalog, team),
        team=team,
        tier=str(resolve.tier_of(catalog, name)),
        foundation=str(resolve.foundation_of(catalog, name)),
        models=(model,),
        engine=_engine(catalog, engine, model, placement),
        pool=pools[catalog.models[name].pool],
        claim=f"weights-{store}",
        resources=_resources(catalog, name, engine, placement, weights.bytes),
        min_replicas=replicas.min,
        max_replicas=replicas.max,
        startup=cold_start(weights.bytes, catalog.stores[store].read_mi_bps, engine.start(placement)),
        rollout=_rollout(catalog, name),
        grace=engine.grace(),
        url=f"{catalog.cluster.base_url}/{name}",
        gateway_name=catalog.cluster.gateway.name,
        gateway_namespace=catalog.cluster.gateway.namespace,
    )


def _accelerator(catalog: Catalog, name: str) -> Accelerator:
    return ACCELERATORS[catalog.pools[catalog.models[name].pool].accelerator]


def _cpus(catalog: Catalog, name: str) -> int:
    return catalog.models[name].cpus or DEFAULT_CPUS


def _placement(catalog: Catalog, name: str) -> Placement:
    accelerator = _accelerator(catalog, name)
    return Placement(
        gpus=resolve.gpus_of(catalog, name),
        cpus=_cpus(catalog, name),
        compute_capability=accelerator.compute_capability,
        bf16=accelerator.bf16,
    )


def _engine(catalog: Catalog, engine: Engine, model: ModelPlan, placement: Placement) -> EnginePlan:
    files = tuple(file.path for file in model.weights.files)
    serving = Serving(model.served_name, files, model.context, model.parallel)
    return EnginePlan(
        name=engine.name,
        image=catalog.defaults.images.get(engine.name) or engine.image(placement),
        port=engine.port,
        health_path=engine.health_path,
        metrics_path=engine.metrics_path,
        args=engine.args(serving, placement),
        environment=engine.environment(placement),
        pre_stop=engine.pre_stop(),
        shared_memory=engine.shared_memory(placement),
    )


def _resources(catalog: Catalog, name: str, engine: Engine, placement: Placement, weights: Bytes) -> ResourcesPlan:
    """On a CPU pool the fit's need is main memory; on a GPU pool it lies on the card and the host keeps the engine."""
    host = engine.host_memory(weights, placement) if placement.gpus else fit.of(catalog, name).need
    memory = Bytes(Bytes(host).mebibytes * 1024**2 + (engine.shared_memory(placement) or 0))
    return ResourcesPlan(
        cpus=placement.cpus,
        memory=memory,
        gpus=placement.gpus,
        gpu_resource=_accelerator(catalog, name).resource if placement.gpus else None,
    )


def _units(catalog: Catalog, name: str) -> int:
    """What a replica takes of its pool: GPUs, or cores where there are none."""
    return resolve.gpus_of(catalog, name) or _cpus(catalog, name)


def _rollout(catalog: Catalog, name: str) -> RolloutPlan:
    pool_name = catalog.models[name].pool
    pool = catalog.pools[pool_name]
    each = resolve.gpus_per_node(pool) or pool.node_cpus or 0
    neighbours = [other for other, model in catalog.models.items() if model.pool == pool_name]
    reserved = sum(resolve.replicas_of(catalog, other).min * _units(catalog, other) for other in neighbours)
    return rollout(each * len(pool.nodes), reserved, _units(catalog, name))
