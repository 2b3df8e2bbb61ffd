"""Replicas, and whether the pools have room for them. Imports the catalogue's types, resolvers and locator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Pool
from substrate.catalog.types import Tier

WAKE = "`substrate:autoscaling: {through: keda, wake: http-add-on}` and `substrate:monitoring`"


def written(where: Locator, name: str, *key: str) -> Path:
    """Where a model's value comes from: its own block, else the stack's defaults, else the model itself."""
    own: Path = ("models", name, *key)
    default: Path = ("defaults", *key)
    return own if where.has(own) else default if where.has(default) else ("models", name)


def bounds(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The least is not above the most; said once where the defaults alone are to blame."""
    said: set[Path] = set()
    for name in where.names("models"):
        least, most = _bounds(catalog, name, where)
        if least <= most:
            continue
        path = written(where, name, "replicas", "min")
        limit = written(where, name, "replicas", "max")
        if path in said and limit[0] == "defaults":
            continue
        said.add(path)
        yield where.report(
            Code.MIN_OVER_MAX,
            path,
            f"model `{name}` would run at least {least} and at most {most} replicas",
            help=f"write a max of {least} or more, or a min of {most} or less",
            also=[(limit, f"the most is {most} here")],
        )


def _bounds(catalog: Catalog, name: str, where: Locator) -> tuple[int, int]:
    """A model's bounds; of a block that is wrong elsewhere the numbers as they are written, 0 to 0 without them."""
    if name in catalog.models:
        return resolve.replicas_of(catalog, name)
    least, most = (where.number(("models", name, "replicas", key)) for key in ("min", "max"))
    return (0, 0) if least is None or most is None or most < 1 else (least, most)


def zero_needs_a_wake_path(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A model without a replica can be asked by nobody until something starts one, and holds the request meanwhile."""
    said: set[Path] = set()
    for name in catalog.models:
        path = written(where, name, "replicas", "min")
        if resolve.replicas_of(catalog, name).min > 0 or path in said:
            continue
        tier = resolve.tier_of(catalog, name)
        refusal = _zero_refused(catalog, name, tier)
        if refusal is None:
            continue
        said.add(path)
        code, note, advice = refusal
        yield where.report(
            code,
            path,
            f"model `{name}` of tier {tier} would run no replica at its least",
            notes=[note],
            help=advice,
            also=[(written(where, name, "tier"), f"its tier is {tier}")],
        )


def _zero_refused(catalog: Catalog, name: str, tier: Tier) -> tuple[Code, str, str] | None:
    """Why a model may not go to zero, and what to write; None for one of the long tail that something wakes."""
    if tier is Tier.HOT:
        return Code.HOT_AT_ZERO, "a hot model always answers, so it keeps at least one replica", "write `min: 1`"
    if tier is not Tier.LONG_TAIL:
        why = "whoever asks first waits for a whole cold start, which only a model of the long tail may ask of them"
        return Code.ZERO_WITHOUT_WAKE, why, "write `min: 1`, or `tier: longTail` and what wakes it"
    if resolve.on_knative(catalog, name) or (catalog.autoscaling and catalog.autoscaling.wake):
        return None
    why = "nothing would start a replica when a request comes, so the first one would fail for ever"
    return Code.ZERO_WITHOUT_WAKE, why, f"write `min: 1`, or {WAKE}"


def a_replica_fits_a_node(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A replica runs on one node: it takes no more GPUs or cores than a node has."""
    for name, model in catalog.models.items():
        pool = catalog.pools.get(model.pool)
        if pool is None or not resolve.leads(catalog, name):
            continue
        gpus, cpus = resolve.gpus_written(catalog, name), resolve.cpus_written(catalog, name)
        if resolve.on_cpu(pool):
            yield from _on_cpus(catalog, name, gpus, where)
        elif gpus is not None and gpus > resolve.gpus_per_node(pool) > 0:
            each = resolve.gpus_per_node(pool)
            yield where.report(
                Code.GPUS_OVER_NODE,
                _size(catalog, name, "gpus", where),
                f"a replica of `{name}` takes {gpus} GPUs, a node of pool `{model.pool}` has {each}",
                help=f"write `gpus: {each}` or less, or another pool",
                also=[(_per_node(model.pool, where), f"{each} a node")],
            )
        if cpus is not None and pool.node_cpus is not None and cpus > pool.node_cpus:
            yield where.report(
                Code.CPUS_OVER_NODE,
                _size(catalog, name, "cpus", where),
                f"a replica of `{name}` takes {cpus} cores, a node of `{model.pool}` offers {pool.node_cpus}",
                help=f"write `cpus: {pool.node_cpus}` or less",
                also=[(("pools", model.pool, "nodeCpus"), "what a node offers")],
            )


def _size(catalog: Catalog, name: str, key: str, where: Locator) -> Path:
    """Where a replica's size is written: in the server's block, else in the model's."""
    path: Path = ("servers", resolve.server_of(catalog, name) or "", key)
    return path if where.has(path) else ("models", name, key)


def _on_cpus(catalog: Catalog, name: str, gpus: int | None, where: Locator) -> Iterator[Diagnostic]:
    model = catalog.models[name]
    if gpus is not None:
        yield where.report(
            Code.GPUS_ON_CPU_POOL,
            _size(catalog, name, "gpus", where),
            f"model `{name}` takes {gpus} GPUs, and its pool `{model.pool}` is one of CPUs",
            help="remove `gpus`, or name a pool of GPUs",
            also=[(("pools", model.pool, "accelerator"), "a pool of CPUs")],
        )


def _per_node(pool: str, where: Locator) -> Path:
    path: Path = ("pools", pool, "gpusPerNode")
    return path if where.has(path) else ("pools", pool)


@dataclass(frozen=True)
class _Room:
    """What a node of a pool has and what a replica takes of it: GPUs, or cores where there are none."""

    word: str
    node: float
    replica: float
    node_at: Path
    replica_at: Path

    @property
    def on_a_node(self) -> int:
        """Replicas; in thousandths, since a core may be shared."""
        return int(1000 * self.node) // int(1000 * self.replica)


def _room(catalog: Catalog, name: str, pool: Pool, where: Locator) -> _Room | None:
    """None where the pool does not say what a node has, or a replica takes nothing."""
    named = catalog.models[name].pool
    if not resolve.on_cpu(pool):
        gpus = resolve.gpus_of(catalog, name)
        found = _Room("GPUs", resolve.gpus_per_node(pool), gpus, _per_node(named, where), ("models", name, "gpus"))
    else:
        cpus = resolve.cpus_of(catalog, name)
        found = _Room(
            "cores", pool.node_cpus or 0, cpus, ("pools", named, "nodeCpus"), _size(catalog, name, "cpus", where)
        )
    return found if found.node > 0 and found.replica > 0 else None


def replicas_fit_the_pool(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The most replicas of a model have GPUs, or cores, for them: nodes x (those of a node // those of a replica)."""
    for name, model in catalog.models.items():
        pool = catalog.pools.get(model.pool)
        if pool is None or not resolve.leads(catalog, name) or resolve.stages_of(catalog, name):
            continue  # the stages of a pipeline have their own sizes
        if (each := _room(catalog, name, pool, where)) is None:
            continue
        most, nodes = resolve.replicas_of(catalog, name).max, len(pool.nodes)
        room = nodes * each.on_a_node
        if 0 < room < most:
            node, replica = (f"{number:g} {each.word}" for number in (each.node, each.replica))
            also = [(("pools", model.pool, "nodes"), _nodes(nodes)), (each.node_at, f"its {each.word}")]
            if where.has(each.replica_at):
                also.append((each.replica_at, f"{each.word} of a replica"))
            yield where.report(
                Code.REPLICAS_OVER_POOL,
                written(where, name, "replicas", "max"),
                f"model `{name}` may grow to {most} replicas, pool `{model.pool}` has room for {room}",
                notes=[f"{_nodes(nodes)} x ({node} a node // {replica} a replica) = {room} replicas"],
                help=f"write `max: {room}` or less, or add nodes",
                also=also,
            )


def _nodes(count: int) -> str:
    return f"{count} nodes" if count != 1 else "one node"


def minimums_fit_the_pool(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """What all models of a pool always run fits it: the sum of min x GPUs."""
    for pool_name, pool in catalog.pools.items():
        if resolve.on_cpu(pool):
            continue
        each = resolve.gpus_per_node(pool)
        terms = list(_terms(catalog, pool_name, each))
        total = sum(least * gpus for _, least, gpus in terms)
        there = len(pool.nodes) * each
        if total > there > 0 and len(terms) > 1:
            yield where.report(
                Code.POOL_OVERCOMMITTED,
                ("pools", pool_name),
                f"the models of pool `{pool_name}` always run on {total} GPUs, and it has {there}",
                at=where.key(("pools", pool_name)),
                notes=[f"{_sum(terms)} = {total}, and {_nodes(len(pool.nodes))} of {each} GPUs have {there}"],
                help="lower a min, move a model to another pool, or add nodes",
                also=[place for name, n, gpus in terms[:4] for place in _why_there(where, name, n, gpus)],
            )


def _why_there(where: Locator, name: str, least: int, gpus: int) -> Iterator[tuple[Path, str]]:
    """Both lines that put a model's replicas in its pool: how many, and which pool."""
    yield written(where, name, "replicas", "min"), f"`{name}` {least} x {gpus}"
    yield ("models", name, "pool"), "in this pool"


def _terms(catalog: Catalog, pool: str, each: int) -> Iterator[tuple[str, int, int]]:
    """The models of a pool with their least replicas and GPUs; without what is refused for a reason of its own."""
    for name, model in catalog.models.items():
        gpus = resolve.gpus_written(catalog, name) or 1
        if model.pool == pool and gpus <= each and resolve.leads(catalog, name):
            yield name, min(resolve.replicas_of(catalog, name)), gpus


def _sum(terms: list[tuple[str, int, int]]) -> str:
    shown = " + ".join(f"{name} {least} x {gpus}" for name, least, gpus in terms[:8])
    return shown + (f" + {len(terms) - 8} more" if len(terms) > 8 else "")
