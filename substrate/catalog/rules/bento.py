"""What a bento needs, and what would have no effect on one. Imports the catalogue's types, resolvers and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.bento import Bento
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Model
from substrate.catalog.rules.capacity import written
from substrate.catalog.types import EngineName, Foundation

DESCRIPTION = "bento.yaml"  # what `bentoml build` writes into every bento's folder
_OF_LLMS = ("context", "parallel", "architecture", "servedName")


def bentos(catalog: Catalog) -> Iterator[tuple[str, Model, Bento]]:
    """Every model of the foundation, with its block or an empty one."""
    for name, model in catalog.models.items():
        if resolve.foundation_of(catalog, name) is Foundation.BENTOML:
            yield name, model, model.bento or Bento()


def engine_and_foundation(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """BentoML is engine and foundation in one: neither goes with another of the other."""
    for name, model in catalog.models.items():
        foundation = resolve.foundation_of(catalog, name)
        if foundation is Foundation.BENTOML:
            wrong = model.engine not in (None, EngineName.BENTOML)
            note, advice = "a bento holds its engine", "remove `engine`, or write another foundation"
        else:
            wrong = model.pool in catalog.pools and resolve.engine_of(catalog, name) is EngineName.BENTOML
            note, advice = "a bento brings its own server, probes and route", "write `foundation: bentoml`"
        if wrong:
            engine = model.engine or EngineName.BENTOML
            yield where.report(
                Code.BENTO_ENGINE,
                written(where, name, "engine"),
                f"model `{name}` asks for engine {engine} on foundation {foundation}",
                notes=[note],
                help=advice,
                also=[(written(where, name, "foundation"), f"it runs on {foundation}")],
            )


def settings_have_an_effect(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A key that nothing reads looks like a setting and is none."""
    for name, model in catalog.models.items():
        foundation = resolve.foundation_of(catalog, name)
        path: Path = ("models", name, "bento")
        if model.bento is not None and foundation is not Foundation.BENTOML:
            yield _without_effect(name, path, f"runs on {foundation}", "write `foundation: bentoml`, or remove", where)
    for name, model, bento in bentos(catalog):
        for key in _OF_LLMS:
            if where.has(path := ("models", name, key)):
                yield _without_effect(name, path, "is a bento: only engines for LLMs read it", "remove", where)
        if bento.stages and model.gpus is not None:
            path = ("models", name, "gpus")
            yield _without_effect(name, path, "is a pipeline", "write `gpus` in a stage, and remove", where)


def _without_effect(name: str, path: Path, why: str, advice: str, where: Locator) -> Diagnostic:
    return where.report(
        Code.SETTINGS_WITHOUT_EFFECT,
        path,
        f"`{path[-1]}` has no effect on model `{name}`, which {why}",
        at=where.key(path),
        help=f"{advice} `{path[-1]}` here" if advice.endswith("remove") else advice,
        also=[(written(where, name, "foundation"), "its foundation")],
    )


def one_source(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The bento is in the image, or staged: one of them, and a whole one."""
    for name, model, bento in bentos(catalog):
        here: Path = ("models", name)
        if bento.image is None and model.weights is None:
            yield where.report(
                Code.BENTO_SOURCE,
                here,
                f"model `{name}` is a bento, and nothing says which",
                at=where.key(here),
                help="write `bento: {image: registry/name:tag}` for an image that holds it, or the folder that "
                "`bentoml build` made as `weights: {from: ..., files: {...}}`",
            )
        elif bento.image is not None and model.weights is not None:
            yield where.report(
                Code.BENTO_SOURCE,
                (*here, "weights"),
                f"model `{name}` has its bento twice, in the image and as weights",
                help="remove `weights`, or `image`: what runs staged bentos is `images: {bentoml: ...}` under defaults",
                at=where.key((*here, "weights")),
                also=[((*here, "bento", "image"), "the image that holds it")],
            )
        elif model.weights is not None and DESCRIPTION not in model.weights.files:
            yield _no_description(name, where)


def _no_description(name: str, where: Locator) -> Diagnostic:
    path: Path = ("models", name, "weights", "files")
    return where.report(
        Code.NOT_A_BENTO,
        path,
        f"the files of model `{name}` are no bento: there is no {DESCRIPTION} among them",
        at=where.key(path),
        help="name every file of the folder that `bentoml get NAME -o path` prints, by its path below it",
    )


def services_are_stages(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """BentoML passes over settings of a service that it does not know; in a pipeline all of them are known."""
    for name, _, bento in bentos(catalog):
        known = tuple(stage.service for stage in bento.stages.values())
        for service in bento.services if known else ():
            if service not in known:
                path: Path = ("models", name, "bento", "services", service)
                yield where.report(
                    Code.NO_STAGE_OF_SERVICE,
                    path,
                    f"no stage of model `{name}` runs service `{service}`, so its settings would be passed over",
                    at=where.key(path),
                    choices=Choices(service, known),
                    also=[(("models", name, "bento", "stages"), "the stages")],
                )


def fits_a_node(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A replica runs on one node, whose memory bounds it where it is main memory that the pool says."""
    for name, model, bento in bentos(catalog):
        pool = catalog.pools.get(model.pool)
        if pool and pool.node_memory and bento.memory and bento.memory > pool.node_memory:
            yield where.report(
                Code.BENTO_TOO_LARGE,
                ("models", name, "bento", "memory"),
                f"a replica of model `{name}` asks for {bento.memory}, a node of pool `{model.pool}` offers "
                f"{pool.node_memory}",
                help=f"write `memory: {pool.node_memory.quantity()}` or less, or another pool",
                also=[(("pools", model.pool, "nodeMemory"), "what a node offers")],
            )
