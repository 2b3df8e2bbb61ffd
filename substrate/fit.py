"""Does a model fit: weights, KV cache and overhead against the memory of what it runs on.

Pure arithmetic; imports values, facts, and for `of` the catalogue's types and resolvers. Formulas and where they were
checked: reference/runtimes.md 7.2 (vLLM 0.33.0's own KV page size and budget, read in its source and seen in a run).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from substrate.catalog import resolve
from substrate.catalog.model import Architecture, Catalog
from substrate.facts.accelerators import ACCELERATORS
from substrate.facts.engines import ENGINES, Engine
from substrate.values import Bytes

# Keys and values are kept in 16 bit; engines that are told to use fewer need less.
KV_ELEMENT = 2
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class KvShape:
    """What one token leaves in the KV cache: a key and a value for each layer and KV head."""

    layers: int
    kv_heads: int
    head_dim: int

    def bytes_per_token(self, gpus: int, split_by_head: bool) -> Bytes:
        """2 x layers x KV heads x head size x 2 bytes, over all GPUs.

        Under tensor parallelism every GPU keeps at least one head, so with more GPUs than heads some are kept twice.
        """
        heads = max(self.kv_heads, gpus) if split_by_head else self.kv_heads
        return Bytes(2 * self.layers * heads * self.head_dim * KV_ELEMENT)


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of an engine. `gpus` is 0 on CPUs; `memory` is that of one GPU, or of one node of CPUs."""

    engine: Engine
    weights: Bytes
    kv: KvShape | None
    context: int
    parallel: int
    memory: Bytes
    gpus: int


@dataclass(frozen=True, slots=True)
class Fit:
    """The answer, with every term. Sizes are over all GPUs of a replica.

    `kv` is the KV cache that must be there at the start; it is None where the architecture is not known, and then
    `need` is weights and overhead alone. `longest_context` is the most tokens a request could have; `concurrency` is
    how many requests of the whole context are held at once.
    """

    weights: Bytes
    kv_per_token: Bytes | None
    kv_tokens: int
    kv: Bytes | None
    overhead: Bytes
    budget: Bytes
    need: Bytes
    longest_context: int | None
    concurrency: int | None

    @property
    def fits(self) -> bool:
        return self.need <= self.budget

    @property
    def missing(self) -> Bytes:
        """How much is lacking; 0 where it fits."""
        return Bytes(max(0, self.need - self.budget))


def fit(load: Load) -> Fit:
    """Weights + KV cache + overhead against the budget.

    llama.cpp's `-c` is the total over all slots and reserved at the start: context x parallel tokens. vLLM's cache is
    paged: it must hold one request of the whole context, and `parallel` only bounds how many share it.
    """
    engine = load.engine
    overhead = _overhead(load)
    budget = _budget(load)
    if load.kv is None:
        need = Bytes(load.weights + overhead)
        return Fit(load.weights, None, 0, None, overhead, budget, need, None, None)
    per_token = load.kv.bytes_per_token(max(1, load.gpus), split_by_head=not engine.reserves_slots)
    slots = load.parallel if engine.reserves_slots else 1
    tokens = _rounded_up(load.context, engine.context_step) * slots
    used = Bytes(per_token * tokens)
    kv = _reserved(used, load)
    room = max(0, budget - load.weights - overhead)
    return Fit(
        weights=load.weights,
        kv_per_token=per_token,
        kv_tokens=tokens,
        kv=kv,
        overhead=overhead,
        budget=budget,
        need=Bytes(load.weights + kv + overhead),
        longest_context=room // per_token // slots // engine.context_step * engine.context_step,
        concurrency=min(load.parallel, room // Bytes(used // slots)),
    )


def kv_capacity(load: Load) -> int:
    """Tokens that the KV cache of one replica holds: all that weights and overhead leave of a GPU, else what is asked.

    vLLM measures the activations of its profiling run instead of the overhead here, and comes out within some percent.
    Raises ValueError without the model's shape.
    """
    found = fit(load)
    if found.kv_per_token is None or found.kv is None:
        raise ValueError("a KV cache's tokens follow from the model's architecture")
    paged_on_gpu = load.gpus and not load.engine.reserves_slots
    held = max(0, found.budget - found.weights - found.overhead) if paged_on_gpu else found.kv
    return max(1, held // found.kv_per_token)


def _reserved(kv: Bytes, load: Load) -> Bytes:
    """On CPUs a paged cache is asked for in whole GiB (VLLM_CPU_KVCACHE_SPACE)."""
    paged_on_cpu = not load.gpus and not load.engine.reserves_slots
    return Bytes(-(-kv // _GIB) * _GIB) if paged_on_cpu else kv


def _overhead(load: Load) -> Bytes:
    return Bytes(load.engine.gpu_overhead * load.gpus) if load.gpus else load.engine.cpu_overhead


def _budget(load: Load) -> Bytes:
    """The engine's share of the GPUs' memory; on CPUs all that the node offers."""
    return Bytes(int(load.memory * load.engine.memory_share) * load.gpus) if load.gpus else load.memory


def _rounded_up(tokens: int, step: int) -> int:
    return -(-tokens // step) * step


def kv_shape(architecture: Architecture | None) -> KvShape | None:
    if architecture is None:
        return None
    return KvShape(architecture.layers, architecture.kv_heads, architecture.head_dim)


def load_of(catalog: Catalog, name: str) -> Load:
    """What a model of a catalogue asks of its engine, defaults applied."""
    model = catalog.models[name]
    pool = catalog.pools[model.pool]
    gpus = resolve.gpus_of(catalog, name)
    reported = pool.gpu_memory or ACCELERATORS[pool.accelerator].memory
    return Load(
        engine=ENGINES[resolve.engine_of(catalog, name)],
        weights=resolve.size_of(model),
        kv=kv_shape(model.architecture),
        context=model.context or 0,
        parallel=resolve.parallel_of(catalog, name),
        memory=reported if gpus else _beside_logging(catalog, name),
        gpus=gpus,
    )


def _beside_logging(catalog: Catalog, name: str) -> Bytes:
    """Of a node of CPUs, what the containers that log leave to the engine."""
    offered = catalog.pools[catalog.models[name].pool].node_memory or 0
    return Bytes(max(0, offered - resolve.taken_by_logging(catalog, name).memory))


def of(catalog: Catalog, name: str) -> Fit:
    """The fit of one model of a loaded catalogue."""
    return fit(load_of(catalog, name))


def resident(catalog: Catalog, names: Sequence[str]) -> int:
    """How many of a server's models are in memory at once, whichever they are: the largest ones decide.

    Each takes its own process (llama.cpp's router, Ollama); adapters lie beside the one model that they change.
    """
    whole = [name for name in names if catalog.models[name].adapter is None]
    needs = sorted((of(catalog, name).need for name in whole if _sized(catalog, name)), reverse=True)
    if not needs:
        return len(names)
    budget = of(catalog, whole[0]).budget - _adapters(catalog, names)
    return sum(total <= budget for total in accumulate(needs))


def together(catalog: Catalog, names: Sequence[str]) -> Bytes:
    """What the resident models of a server take."""
    whole = [name for name in names if catalog.models[name].adapter is None and _sized(catalog, name)]
    needs = sorted((of(catalog, name).need for name in whole), reverse=True)
    return Bytes(sum(needs[: max(1, resident(catalog, names))]) + _adapters(catalog, names))


def _sized(catalog: Catalog, name: str) -> bool:
    model, engine = catalog.models[name], ENGINES.get(resolve.engine_of(catalog, name))
    said = model.weights is not None and model.context is not None
    return engine is not None and (said or not engine.has_kv_cache)


def _adapters(catalog: Catalog, names: Sequence[str]) -> Bytes:
    adapters = [catalog.models[name] for name in names if catalog.models[name].adapter]
    return Bytes(sum(resolve.size_of(model) for model in adapters))
