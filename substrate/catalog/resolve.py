"""What a model means once the stack's defaults apply. Pure; imports the catalogue's types and facts.

Every function takes a catalogue that `load` returned, where each question has one answer. The `*_or_none` forms are for
the rules, which ask while it is still open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from substrate.catalog.model import (
    AccessMode,
    Catalog,
    EngineName,
    Foundation,
    Model,
    Pool,
    Store,
    Tier,
)
from substrate.facts.accelerators import CPU
from substrate.facts.engines import ENGINES

GGUF = ".gguf"
# Where the engine is none of this version's: one request at a time promises nothing.
PARALLEL_UNKNOWN = 1


class ReplicaRange(NamedTuple):
    """How many replicas run at least and at most."""

    min: int
    max: int


def team_or_none(catalog: Catalog, name: str) -> str | None:
    """The model's own team, the stack's default, or the only team."""
    return catalog.models[name].team or catalog.defaults.team or _only(catalog.teams)


def store_or_none(catalog: Catalog, name: str) -> str | None:
    """The weights' own store, the stack's default, or the only store."""
    return catalog.models[name].weights.store or catalog.defaults.store or _only(catalog.stores)


def _only(names: Mapping[str, object]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def team_of(catalog: Catalog, name: str) -> str:
    """Raises LookupError where no team is named and there are several; a loaded catalogue has none such."""
    return _answered(team_or_none(catalog, name), name, "team")


def store_of(catalog: Catalog, name: str) -> str:
    """Raises LookupError where no store is named and there are several; a loaded catalogue has none such."""
    return _answered(store_or_none(catalog, name), name, "store")


def _answered(answer: str | None, name: str, what: str) -> str:
    if answer is None:
        raise LookupError(f"model `{name}` names no {what}, and the stack has several: load() would have refused it")
    return answer


def tier_of(catalog: Catalog, name: str) -> Tier:
    return catalog.models[name].tier or catalog.defaults.tier


def foundation_of(catalog: Catalog, name: str) -> Foundation:
    return catalog.models[name].foundation or catalog.defaults.foundation


def served_name_of(catalog: Catalog, name: str) -> str:
    return catalog.models[name].served_name or name


def engine_of(catalog: Catalog, name: str) -> EngineName:
    """The engine named; else llama.cpp for GGUF files and on CPUs, vLLM for the rest."""
    model = catalog.models[name]
    named = model.engine or catalog.defaults.engine
    if named:
        return named
    pool = catalog.pools.get(model.pool)
    return EngineName.LLAMA_CPP if is_gguf(model) or (pool and on_cpu(pool)) else EngineName.VLLM


def is_gguf(model: Model) -> bool:
    return any(path.lower().endswith(GGUF) for path in model.weights.files)


def on_cpu(pool: Pool) -> bool:
    return pool.accelerator == CPU


def gpus_per_node(pool: Pool) -> int:
    """GPUs of each node: as written, else 1, and 0 on CPUs."""
    if pool.gpus_per_node is not None:
        return pool.gpus_per_node
    return 0 if on_cpu(pool) else 1


def gpus_of(catalog: Catalog, name: str) -> int:
    """GPUs of one replica: as written, else 1, and 0 on a pool of CPUs."""
    model = catalog.models[name]
    return 0 if on_cpu(catalog.pools[model.pool]) else model.gpus or 1


def parallel_of(catalog: Catalog, name: str) -> int:
    """Requests at once of one replica: as written, else what the engine's facts advise (and say why)."""
    written = catalog.models[name].parallel or catalog.defaults.parallel
    if written:
        return written
    facts = ENGINES.get(engine_of(catalog, name))
    return facts.parallel if facts else PARALLEL_UNKNOWN


def replicas_of(catalog: Catalog, name: str) -> ReplicaRange:
    """Each bound by itself: the model's, else the stack's, else 1; a maximum that nobody wrote is the minimum."""
    own, default = catalog.models[name].replicas, catalog.defaults.replicas
    least = own.min if own and "min" in own.model_fields_set else default.min
    most = own.max if own and own.max is not None else default.max
    return ReplicaRange(least, most if most is not None else max(1, least))


def access_mode_of(store: Store) -> AccessMode:
    """As written; else a share is for many nodes and a volume for one."""
    return store.access_mode or (AccessMode.MANY if store.nfs else AccessMode.ONCE)
