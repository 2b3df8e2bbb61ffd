"""Catalogue -> StackPlan: what a stack makes once, and its servers. Pure; imports the catalogue, facts and the plan.

Each function resolves one thing; `plan_stack` only composes them. A catalogue that was loaded is valid, so nothing here
checks it again.
"""

from __future__ import annotations

from itertools import groupby

from substrate.catalog import resolve
from substrate.catalog.model import Catalog, Pool, Taint, Weights
from substrate.facts.accelerators import ACCELERATORS
from substrate.plan import autoscaling, front_door, kserve
from substrate.plan.network import network_of
from substrate.plan.servers import Stack, namespace_of, plan_server
from substrate.plan.startup import staging_timeout
from substrate.plan.types import (
    ClaimPlan,
    NamespacePlan,
    NfsPlan,
    PoolPlan,
    StackPlan,
    TaintPlan,
    WeightsPlan,
)
from substrate.plan.weights import files_of, listing_digest, source_of
from substrate.values import Bytes

# Pinned, so that a cluster's upgrade does not change what is admitted: the newest that a 1.33 cluster knows too.
POD_SECURITY_VERSION = "v1.33"
STAGER_IMAGE = "substrate.local/stager:0.1.0"


def plan_stack(catalog: Catalog, stack: str) -> StackPlan:
    """Resolve a whole catalogue. `stack` names the stack, for objects that belong to the cluster as a whole."""
    pools = {name: _pool(name, pool) for name, pool in sorted(catalog.pools.items())}
    weights = {
        name: _weights(catalog, name, model.weights, pools[model.pool])
        for name, model in sorted(catalog.models.items())
        if model.weights
    }
    given = Stack(catalog, stack, pools, weights, resolve.pools_held(catalog))
    servers = tuple(plan_server(given, name, models) for name, models in sorted(resolve.servers_of(catalog).items()))
    return StackPlan(
        name=stack,
        context=catalog.cluster.context,
        namespaces=tuple(
            NamespacePlan(namespace_of(catalog, team), team, POD_SECURITY_VERSION, network_of(catalog, team))
            for team in sorted(catalog.teams)
        ),
        pools=tuple(pools.values()),
        claims=_claims(catalog, stack, weights),
        servers=servers,
        kserve=kserve.platform(catalog.cluster.kserve, servers),
        front_door=front_door.resolve(catalog, servers, tuple(pools.values()), POD_SECURITY_VERSION),
        monitoring=autoscaling.monitoring(catalog),
    )


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


def _weights(catalog: Catalog, name: str, block: Weights, pool: PoolPlan) -> WeightsPlan:
    files = files_of(block)
    return WeightsPlan(
        model=name,
        digest=listing_digest(files),
        source=source_of(block),
        files=files,
        pool=pool,
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
        namespace=namespace_of(catalog, team),
        team=team,
        store=name,
        size=store.size,
        access_mode=str(resolve.access_mode_of(store)),
        storage_class=store.storage_class,
        nfs=NfsPlan(store.nfs.server, store.nfs.path) if store.nfs else None,
        volume=f"{stack}-{name}-{team}" if store.nfs else None,
        weights=weights,
    )
