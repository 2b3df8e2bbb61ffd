"""What a model means once the stack's defaults apply. Pure; imports the catalogue's types and facts.

Every function takes a catalogue that `load` returned, where each question has one answer. The `*_or_none` forms are for
the rules, which ask while it is still open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from substrate.catalog.bento import Stage
from substrate.catalog.kserve import KServeResource, Part
from substrate.catalog.logging import Logging, combined
from substrate.catalog.model import Catalog, KServe, Model, Pool, Server, Store, WeightsFile
from substrate.catalog.scaling import Scaling
from substrate.catalog.triton import Tensor
from substrate.catalog.types import AccessMode, DeploymentMode, EngineName, Foundation, Tier
from substrate.facts.accelerators import CPU
from substrate.facts.bentoml import METRICS as BENTO_METRICS
from substrate.facts.engines import ENGINES, Metrics
from substrate.facts.payload_logging import Taken, taken
from substrate.facts.signals import Signal, offered, preferred
from substrate.values import Bytes, Cores

GGUF = ".gguf"
# Where the engine is none of this version's: one request at a time promises nothing.
PARALLEL_UNKNOWN = 1
DEFAULT_CPUS = Cores(2)


class ReplicaRange(NamedTuple):
    """How many replicas run at least and at most."""

    min: int
    max: int


def team_or_none(catalog: Catalog, name: str) -> str | None:
    """The model's own team, the stack's default, or the only team."""
    return catalog.models[name].team or catalog.defaults.team or _only(catalog.teams)


def store_or_none(catalog: Catalog, name: str) -> str | None:
    """The weights' own store, the stack's default, or the only store."""
    weights = catalog.models[name].weights
    return (weights and weights.store) or catalog.defaults.store or _only(catalog.stores)


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
    """The engine named; else what the foundation or the block implies; else llama.cpp for GGUF and on CPUs, or vLLM."""
    if foundation_of(catalog, name) is Foundation.BENTOML:
        return EngineName.BENTOML
    model = catalog.models[name]
    if model.triton or foundation_of(catalog, name) is Foundation.TRITON:
        return model.engine or EngineName.TRITON
    if model.nim:
        return model.engine or EngineName.NIM
    named = model.engine or catalog.defaults.engine
    if named:
        return named
    pool = catalog.pools.get(model.pool)
    return EngineName.LLAMA_CPP if is_gguf(model) or (pool and on_cpu(pool)) else EngineName.VLLM


def files_of(model: Model) -> Mapping[str, WeightsFile]:
    """The files to stage, by path; none for a model whose image holds them."""
    return model.weights.files if model.weights else {}


def size_of(model: Model) -> Bytes:
    """All files of a model together."""
    return Bytes(sum(file.size for file in files_of(model).values()))


def is_gguf(model: Model) -> bool:
    return any(path.lower().endswith(GGUF) for path in files_of(model))


def on_cpu(pool: Pool) -> bool:
    return pool.accelerator == CPU


def gpus_per_node(pool: Pool) -> int:
    """GPUs of each node: as written, else 1, and 0 on CPUs."""
    if pool.gpus_per_node is not None:
        return pool.gpus_per_node
    return 0 if on_cpu(pool) else 1


def server_of(catalog: Catalog, name: str) -> str | None:
    """The `substrate:servers` block that names the model; None for one that stands alone."""
    return catalog.held.get(name)


def servers_of(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Every server with its models: those with a block, and one under its own name for each model that stands alone."""
    alone = {name: (name,) for name in catalog.models if name not in catalog.held}
    return {**alone, **{name: tuple(block.models) for name, block in catalog.servers.items()}}


def leads(catalog: Catalog, name: str) -> bool:
    """Whether a model stands for its server where replicas are counted: alone, or the first of several."""
    server = server_of(catalog, name)
    return server is None or catalog.servers[server].models[0] == name


def _blocks(catalog: Catalog, name: str) -> Iterator[Model | Server]:
    """The blocks that may say how large a replica is and how many run: its server's, then its models'."""
    server = catalog.servers.get(server_of(catalog, name) or "")
    if server is None:
        yield catalog.models[name]
    else:
        yield server
        yield from (catalog.models[model] for model in server.models if model in catalog.models)


def gpus_of(catalog: Catalog, name: str) -> int:
    """GPUs of one replica: as written, else 1, and 0 on a pool of CPUs. Of a pipeline: of one replica of each stage."""
    on_cpus = on_cpu(catalog.pools[catalog.models[name].pool])
    if stages := stages_of(catalog, name):
        return 0 if on_cpus else max(1, sum(stage.gpus or 0 for stage in stages.values()))
    return 0 if on_cpus else gpus_written(catalog, name) or 1


def gpus_written(catalog: Catalog, name: str) -> int | None:
    return next((block.gpus for block in _blocks(catalog, name) if block.gpus is not None), None)


def cpus_written(catalog: Catalog, name: str) -> Cores | None:
    return next((block.cpus for block in _blocks(catalog, name) if block.cpus is not None), None)


def cpus_of(catalog: Catalog, name: str) -> Cores:
    """Cores of one replica: as written, else 2."""
    return cpus_written(catalog, name) or DEFAULT_CPUS


def stages_of(catalog: Catalog, name: str) -> Mapping[str, Stage]:
    """The stages of a bento that is a pipeline; none for any other model."""
    bento = catalog.models[name].bento
    return bento.stages if bento else {}


def entries_of(stages: Mapping[str, Stage]) -> tuple[str, ...]:
    """The stages that no other depends on, in the file's order; a valid pipeline has one."""
    asked = {other for block in stages.values() for other in block.depends}
    return tuple(stage for stage in stages if stage not in asked)


def entry_of(stages: Mapping[str, Stage]) -> str:
    """The stage that the model's URL leads to. Raises LookupError for stages that form no pipeline."""
    if len(entries := entries_of(stages)) != 1:
        raise LookupError(f"{len(entries)} stages that no other depends on: load() would have refused them")
    return entries[0]


def parts_of(catalog: Catalog, name: str) -> tuple[tuple[int, float], ...]:
    """The least replicas of each workload that a model has, and the cores of one: its server's, or each stage's."""
    least, cpus, stages = replicas_of(catalog, name).min, cpus_of(catalog, name), stages_of(catalog, name)
    if not stages:
        return ((least, cpus),)
    entry = entry_of(stages)
    sized = ((stage == entry, block) for stage, block in stages.items())
    return tuple((least if first else block.replicas or 1, block.cpus or cpus) for first, block in sized)


def part_replicas(catalog: Catalog, name: str, part: Part) -> int:
    """Of what stands beside a model: as written, else as many as the model's least, and one at least."""
    return part.replicas or max(1, replicas_of(catalog, name).min)


def units_of(catalog: Catalog, name: str) -> float:
    """What a replica takes of its pool: GPUs, or cores where there are none. A pipeline's: one of each stage."""
    return gpus_of(catalog, name) or sum(cpus for _, cpus in parts_of(catalog, name))


def units_held(catalog: Catalog, name: str) -> float:
    """What a model always holds of its pool, in units: its least replicas, and on a CPU pool what stands beside it."""
    if gpus := gpus_of(catalog, name):
        return replicas_of(catalog, name).min * gpus
    settings = catalog.models[name].kserve
    on_kserve = foundation_of(catalog, name) is Foundation.KSERVE
    beside = settings.parts.values() if settings and on_kserve else ()
    thousandths = sum(part.cpus * part_replicas(catalog, name, part) for part in beside)
    return sum(replicas * cpus for replicas, cpus in parts_of(catalog, name)) + thousandths / 1000


def pool_units(pool: Pool) -> int:
    """What a pool has: GPUs, or cores where there are none."""
    return (gpus_per_node(pool) or pool.node_cpus or 0) * len(pool.nodes)


def pools_held(catalog: Catalog) -> dict[str, float]:
    """Units of each pool that its models always hold. Looks at every model: ask once."""
    held: dict[str, float] = dict.fromkeys(catalog.pools, 0)
    for name, model in catalog.models.items():
        if model.pool in held and leads(catalog, name):
            held[model.pool] += units_held(catalog, name)
    return held


def parallel_of(catalog: Catalog, name: str) -> int:
    """Requests at once of one replica: as written, else what the engine's facts advise (and say why)."""
    written = catalog.models[name].parallel or catalog.defaults.parallel
    if written:
        return written
    facts = ENGINES.get(engine_of(catalog, name))
    return facts.parallel if facts else PARALLEL_UNKNOWN


def replicas_of(catalog: Catalog, name: str) -> ReplicaRange:
    """Each bound by itself: the model's, else the stack's, else 1; a maximum that nobody wrote is the minimum."""
    written = (block.replicas for block in _blocks(catalog, name) if block.replicas is not None)
    own, default = next(written, None), catalog.defaults.replicas
    least = own.min if own and "min" in own.model_fields_set else default.min
    most = own.max if own and own.max is not None else default.max
    return ReplicaRange(least, most if most is not None else max(1, least))


def scaling_of(catalog: Catalog, name: str) -> Scaling:
    """The block of the model, or of the server that holds it; an empty one where nobody wrote any."""
    return next((block.scaling for block in _blocks(catalog, name) if block.scaling is not None), Scaling())


def on_knative(catalog: Catalog, name: str) -> bool:
    """Whether Knative runs the model, which scales it and wakes it by itself."""
    settings = catalog.models[name].kserve
    on_kserve = foundation_of(catalog, name) is Foundation.KSERVE
    return on_kserve and settings is not None and settings.mode is DeploymentMode.KNATIVE


def metrics_of(catalog: Catalog, name: str) -> Metrics | None:
    """What the model's server exports; None of an engine that nobody has read, or without one page for its models."""
    engine = engine_of(catalog, name)
    if engine is EngineName.LLAMA_CPP and len(models_of(catalog, name)) > 1:
        return None  # its router's page asks which model's
    if engine is EngineName.BENTOML:
        return BENTO_METRICS
    facts = ENGINES.get(engine)
    return facts.metrics if facts else None


def signals_of(catalog: Catalog, name: str) -> tuple[Signal, ...]:
    """What the model can be scaled on by what is known of it; the KV cache's tokens are only with its architecture."""
    metrics = metrics_of(catalog, name)
    found = offered(metrics) if metrics else ()
    sized = catalog.models[name].architecture is not None
    return tuple(signal for signal in found if sized or signal is not Signal.TOKENS_IN_FLIGHT)


def signal_of(catalog: Catalog, name: str) -> Signal | None:
    """What the model is scaled on: as written, else what its engine tells best; None where it tells nothing."""
    metrics = metrics_of(catalog, name)
    return scaling_of(catalog, name).metric or (preferred(metrics) if metrics else None)


def logging_of(catalog: Catalog, name: str) -> Logging | None:
    """The model's block over the stack's, key by key; None where nothing is logged."""
    return combined((catalog.defaults.logging, catalog.models[name].logging))


def taken_by_logging(catalog: Catalog, name: str) -> Taken:
    """What a pod's containers beside the engine ask for; nothing where nothing is logged."""
    if logging_of(catalog, name) is None:
        return Taken(Cores(0), Bytes(0))
    settings = catalog.models[name].kserve or KServe()
    by_agent = settings.resource is KServeResource.INFERENCE_SERVICE
    return taken(with_agent=foundation_of(catalog, name) is Foundation.KSERVE and by_agent)


def access_mode_of(store: Store) -> AccessMode:
    """As written; else a share is for many nodes and a volume for one."""
    return store.access_mode or (AccessMode.MANY if store.nfs else AccessMode.ONCE)


def models_of(catalog: Catalog, name: str) -> tuple[str, ...]:
    """All models of the server that holds this one, in the file's order."""
    server = catalog.servers.get(server_of(catalog, name) or "")
    return tuple(server.models) if server else (name,)


def joined(written: Mapping[str, str] | None, tensors: Iterable[Tensor]) -> Mapping[str, str]:
    """An ensemble step's map as written; without one, each tensor of the step's model under its own name."""
    return written if written is not None else {tensor.name: tensor.name for tensor in tensors}
