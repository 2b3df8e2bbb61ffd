"""The stages of a bento: who asks whom, under which names, in how much room. Imports the catalogue's types, locator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from substrate.catalog import resolve
from substrate.catalog.bento import Stage
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Pool

# `<model>-bentoml-<stage>` names a Service, which is a DNS label.
_LONGEST = 63 - len("-bentoml-")


def _pipelines(catalog: Catalog) -> Iterator[tuple[str, Mapping[str, Stage]]]:
    """Every model that has stages, on whatever foundation: the rules of rules.bento say whether they have an effect."""
    for name, model in catalog.models.items():
        if model.bento and model.bento.stages:
            yield name, model.bento.stages


def _at(name: str, *key: str | int) -> Path:
    return ("models", name, "bento", "stages", *key)


def stages_exist(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A stage asks stages of the same pipeline."""
    for name, stages in _pipelines(catalog):
        for stage, block in stages.items():
            for number, other in enumerate(block.depends):
                if other not in stages:
                    yield where.report(
                        Code.NO_SUCH_STAGE,
                        _at(name, stage, "depends", number),
                        f"stage `{stage}` of model `{name}` depends on `{other}`, which is no stage",
                        choices=Choices(other, tuple(stages)),
                        also=[(_at(name), "the stages")],
                    )


def one_entry(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Requests come in at the one stage that nobody depends on, and no stage waits for itself."""
    for name, stages in _pipelines(catalog):
        if any(other not in stages for block in stages.values() for other in block.depends):
            continue
        if circle := circle_of(stages):
            yield _circle(name, circle, where)
            continue
        entries = resolve.entries_of(stages)
        if len(entries) > 1:
            yield _entries(name, entries, where)
        elif stages[entries[0]].replicas is not None:
            yield where.report(
                Code.PIPELINE_ENTRY,
                _at(name, entries[0], "replicas"),
                f"stage `{entries[0]}` is the entry of model `{name}`, whose replicas are the model's own",
                help="write `replicas: {min: ..., max: ...}` in the model's block, and remove this",
            )


def circle_of(stages: Mapping[str, Stage]) -> tuple[str, ...]:
    """Stages that wait for each other, the first again at the end; none where there is no circle.

    What is left when every stage that asks nobody is taken away, over and over, leads into a circle.
    """
    left = dict(stages)
    while free := [stage for stage, block in left.items() if not any(other in left for other in block.depends)]:
        for stage in free:
            del left[stage]
    way = [next(iter(left))] if left else []
    while left and way[-1] not in way[:-1]:
        way.append(next(other for other in left[way[-1]].depends if other in left))
    return tuple(way[way.index(way[-1]) :]) if way else ()


def _circle(name: str, circle: tuple[str, ...], where: Locator) -> Diagnostic:
    return where.report(
        Code.STAGES_IN_A_CIRCLE,
        _at(name, circle[0], "depends"),
        f"stages of model `{name}` wait for each other: {' -> '.join(circle)}",
        at=where.key(_at(name, circle[0], "depends")),
        help=f"remove one of these dependencies, as `{circle[1]}` from the stage `{circle[0]}`",
        also=[(_at(name, stage, "depends"), f"`{stage}` waits") for stage in circle[1:-1]],
    )


def _entries(name: str, entries: tuple[str, ...], where: Locator) -> Diagnostic:
    last = entries[-1]
    return where.report(
        Code.PIPELINE_ENTRY,
        _at(name, last),
        f"model `{name}` has {len(entries)} entries, stages that no other depends on: {', '.join(entries)}",
        at=where.key(_at(name, last)),
        notes=["the model's URL leads to one stage; the others would answer nobody"],
        help="name all but one of them under `depends` of the stage that asks them, or remove them",
        also=[(_at(name, stage), "an entry too") for stage in entries[:-1]],
    )


def each_service_once(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """BentoML finds a stage by its service's name."""
    for name, stages in _pipelines(catalog):
        first: dict[str, str] = {}
        for stage, block in stages.items():
            if first.setdefault(block.service, stage) != stage:
                yield where.report(
                    Code.STAGE_SERVICE_TWICE,
                    _at(name, stage, "service"),
                    f"two stages of model `{name}` run service `{block.service}`",
                    help=f"write another service, or `replicas: 2` in stage `{first[block.service]}`",
                    also=[(_at(name, first[block.service], "service"), "here too")],
                )


def names_leave_room(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A stage's Service is named after its model and itself."""
    for name, stages in _pipelines(catalog):
        for stage in stages:
            if len(name) + len(stage) > _LONGEST:
                yield where.report(
                    Code.NAME_TOO_LONG_FOR_FOUNDATION,
                    _at(name, stage),
                    f"the stage's Service would be called `{name}-bentoml-{stage}`, and that is too long",
                    at=where.key(_at(name, stage)),
                    notes=["a Service's name ends at 63 characters"],
                    help=f"shorten it to {_LONGEST - len(name)} characters or less, or the model's name",
                )


def stages_fit_the_pool(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A replica of a stage runs on one node."""
    for name, stages in _pipelines(catalog):
        pool_name = catalog.models[name].pool
        if (pool := catalog.pools.get(pool_name)) is None:
            continue
        for stage, key, asked, there in _too_large(stages, pool):
            yield where.report(
                Code.BENTO_TOO_LARGE,
                _at(name, stage, key),
                f"a replica of stage `{stage}` of model `{name}` asks for {asked} {key}, a node offers {there}",
                help=f"write `{key}: {there}` or less, or another pool",
                also=[(("models", name, "pool"), f"it runs on pool `{pool_name}`")],
            )


def _too_large(stages: Mapping[str, Stage], pool: Pool) -> Iterator[tuple[str, str, str, str]]:
    """Stage, key, what a replica asks for, what a node offers; both as they are written."""
    gpus, cpus, memory = resolve.gpus_per_node(pool), pool.node_cpus, pool.node_memory
    for name, stage in stages.items():
        if stage.gpus and stage.gpus > gpus:
            yield name, "gpus", str(stage.gpus), str(gpus)
        if stage.cpus and cpus and stage.cpus > cpus:
            yield name, "cpus", str(stage.cpus), str(cpus)
        if stage.memory and memory and stage.memory > memory:
            yield name, "memory", stage.memory.quantity(), memory.quantity()
