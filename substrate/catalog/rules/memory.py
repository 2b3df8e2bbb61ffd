"""Whether every model fits the memory it runs in, with the numbers and what would fit. Imports the fit and facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from substrate import fit
from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path, Severity
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Model, Pool
from substrate.catalog.rules.engines import on_known_ground, runs_on, split
from substrate.facts.accelerators import ACCELERATORS
from substrate.fit import Fit, Load
from substrate.values import Bytes


def fits(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Weights + KV cache at the asked context + overhead against the budget."""
    for name, model, pool, engine, accelerator in on_known_ground(catalog):
        if not runs_on(engine, accelerator) or not _sized(pool) or (model.gpus or 1) > _most_gpus(pool):
            continue
        load = fit.load_of(catalog, name)
        found = fit.fit(load)
        if not found.fits:
            yield _too_large(catalog, name, load, found, where)
        elif found.kv is None and engine.has_kv_cache:
            yield _unchecked(name, found, where)


def _sized(pool: Pool) -> bool:
    """Whether the pool says what a node has; what it lacks is reported there."""
    return pool.node_memory is not None if resolve.on_cpu(pool) else resolve.gpus_per_node(pool) > 0


def _most_gpus(pool: Pool) -> int:
    return max(1, resolve.gpus_per_node(pool))


def _unchecked(name: str, found: Fit, where: Locator) -> Diagnostic:
    return where.report(
        Code.FIT_NOT_CHECKED,
        ("models", name),
        f"the KV cache of model `{name}` is not checked, only its weights: {found.need} of {found.budget}",
        at=where.key(("models", name)),
        help="add `architecture:` with layers, kvHeads and headDim; all three are in the model's config.json",
        severity=Severity.WARNING,
    )


def _too_large(catalog: Catalog, name: str, load: Load, found: Fit, where: Locator) -> Diagnostic:
    model = catalog.models[name]
    pool = catalog.pools[model.pool]
    weights_alone = load.kv is None or found.weights + found.overhead >= found.budget
    path: Path = ("models", name, "pool") if weights_alone else ("models", name, "context")
    return where.report(
        Code.DOES_NOT_FIT,
        path,
        f"model `{name}` needs {found.need} with {load.engine.name}, {_ground(load, pool)} {found.budget}: "
        f"{found.missing} too much",
        notes=[_sum(load, found), _budget(load, pool, found)],
        help="; or ".join(ways(catalog, name, load, found)) or "take smaller weights, or a larger GPU",
        also=_causes(model, name, where),
    )


def _causes(model: Model, name: str, where: Locator) -> list[tuple[Path, str]]:
    """Where the numbers come from, so that the one to change is seen."""
    ground: list[tuple[Path, str]] = [
        (("pools", model.pool, "gpuMemory"), "the GPU's memory"),
        (("pools", model.pool, "nodeMemory"), "the node's memory"),
        (("pools", model.pool, "accelerator"), "what the pool computes on"),
    ]
    causes: list[tuple[Path, str]] = [
        *[each for each in ground if where.has(each[0])][:1],
        (("models", name, "pool"), f"it runs on pool `{model.pool}`"),
        (("models", name, "parallel"), "requests at once"),
        (("models", name, "gpus"), "GPUs of a replica"),
        (("models", name, "architecture"), "what a token takes in the KV cache"),
        (("models", name, "weights", "files"), "the weights"),
    ]
    return [(path, said) for path, said in causes if where.has(path)]


def _ground(load: Load, pool: Pool) -> str:
    """What has too little: "a gtx-1080-ti gives it", "2 a100-80gb give it"."""
    if not load.gpus:
        return "a node offers"
    return f"a {pool.accelerator} gives it" if load.gpus == 1 else f"{load.gpus} {pool.accelerator} give it"


def _sum(load: Load, found: Fit) -> str:
    if found.kv is None:
        return f"weights {found.weights} + overhead {found.overhead} = {found.need}, without any KV cache"
    slots = f" x {load.parallel} parallel" if load.engine.reserves_slots else ""
    cache = f"{load.context} tokens{slots} x {found.kv_per_token} a token"
    return f"weights {found.weights} + KV cache {found.kv} ({cache}) + overhead {found.overhead} = {found.need}"


def _budget(load: Load, pool: Pool, found: Fit) -> str:
    if not load.gpus:
        offered = f"nodeMemory is what a node of the pool offers: {pool.node_memory}"
        return offered if load.memory == pool.node_memory else f"{offered}, {found.budget} beside what logs payloads"
    share = "all" if load.engine.memory_share == 1 else f"{load.engine.memory_share:.0%}"
    source = "gpuMemory" if pool.gpu_memory else f"the driver of a {pool.accelerator} reports"
    each = f"{source} {load.memory}, of which {load.engine.name} takes {share}"
    return f"{each}: {found.budget}" if load.gpus == 1 else f"{each}, times {load.gpus}: {found.budget}"


def ways(catalog: Catalog, name: str, load: Load, found: Fit) -> Iterator[str]:
    """What would make it fit, the smallest change first."""
    if found.longest_context:
        yield f"write `context: {found.longest_context}` or less"
    if fewer := _fewer_slots(load):
        yield f"write `parallel: {fewer}`"
    pool = catalog.pools[catalog.models[name].pool]
    if more := _more_gpus(load, resolve.gpus_per_node(pool)):
        yield f"write `gpus: {more}`"
    if other := _other_pool(catalog, name, load):
        yield f"write `pool: {other}`, where it fits"


def _fewer_slots(load: Load) -> int | None:
    """The most slots that fit, where slots are reserved at the start."""
    if not load.engine.reserves_slots or load.kv is None:
        return None
    one = fit.fit(replace(load, parallel=1))
    room = one.budget - one.weights - one.overhead
    slots = room // one.kv if one.kv else 0
    return int(slots) if 0 < slots < load.parallel else None


def _more_gpus(load: Load, there: int) -> int | None:
    """The fewest GPUs of one node that fit; for tensor parallelism only counts that the heads divide over."""
    for gpus in range(load.gpus + 1, there + 1) if load.gpus else ():
        heads = load.kv.kv_heads if load.kv else gpus
        even = load.engine.reserves_slots or split(load.engine, heads, gpus)
        if even and fit.fit(replace(load, gpus=gpus)).fits:
            return gpus
    return None


def _other_pool(catalog: Catalog, name: str, load: Load) -> str | None:
    """Another pool of the stack where the same replica fits as it is."""
    for other, pool in catalog.pools.items():
        accelerator = ACCELERATORS[pool.accelerator]
        if other == catalog.models[name].pool or not _sized(pool) or not runs_on(load.engine, accelerator):
            continue
        gpus = 0 if resolve.on_cpu(pool) else max(1, load.gpus)
        memory = (pool.gpu_memory or accelerator.memory) if gpus else pool.node_memory or Bytes(0)
        if gpus <= resolve.gpus_per_node(pool) and fit.fit(replace(load, gpus=gpus, memory=memory)).fits:
            return other
    return None
