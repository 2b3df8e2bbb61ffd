"""What stands beside a model on KServe, its newer kind of object, and its install. Imports the catalogue and facts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic
from substrate.catalog.kserve import KServeResource
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, KServe
from substrate.catalog.rules.capacity import written
from substrate.catalog.types import DeploymentMode, EngineName, Foundation
from substrate.facts import kserve

_LLM = kserve.LLM_INFERENCE_SERVICE


def installed_version_is_known(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """What a stack installs is what it can use; an install that it finds is judged when it is found."""
    install = catalog.cluster.kserve.install if "cluster" in catalog.model_fields_set else None
    if install is None:
        return
    major, minor = map(int, re.findall(r"\d+", install.version)[:2])
    if not kserve.supported((major, minor)):
        oldest, newest = kserve.shown(kserve.OLDEST), kserve.shown(kserve.NEWEST)
        yield where.report(
            Code.KSERVE_VERSION,
            ("cluster", "kserve", "install", "version"),
            f"this version of Substrate works with KServe {oldest} to {newest}, not {major}.{minor}",
            help="write `version: v0.19.0`, which the tests run",
        )


def llm_service_can_do_it(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """LLMInferenceService starts `vllm serve` and nothing else, in a Deployment, without revisions or other parts."""
    for name, settings in _llm_services(catalog):
        here = ("models", name, "kserve")
        because = [((*here, "resource"), f"it is an {_LLM}")]
        engine = resolve.engine_of(catalog, name) if catalog.models[name].pool in catalog.pools else EngineName.VLLM
        if engine is not EngineName.VLLM:
            message = f"{_LLM} serves with vllm only, and model `{name}` with {engine}"
            advice = "remove `resource`: an InferenceService has a runtime for it"
            path = written(where, name, "engine")
            yield where.report(Code.NOT_ON_LLM_SERVICE, path, message, help=advice, also=because)
        if settings.mode is DeploymentMode.KNATIVE:
            yield where.report(
                Code.NOT_ON_LLM_SERVICE,
                (*here, "mode"),
                f"{_LLM} has no Knative mode, which model `{name}` asks for, nor canaries and zero, which come with it",
                help="remove `mode` and `canaryTrafficPercent`, or remove `resource`",
                also=because,
            )
        for part in settings.parts:
            message = f"{_LLM} has no {part}, which model `{name}` asks for"
            advice = f"remove `{part}`, or remove `resource`"
            yield where.report(
                Code.NOT_ON_LLM_SERVICE, (*here, part), message, at=where.key((*here, part)), help=advice, also=because
            )


def llm_service_can_roll(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Its Deployment's strategy is the API's default, which starts the new replica first, and nothing can change that.

    On a pool without room for one replica more, every later update would wait for ever.
    """
    services = [name for name, _ in _llm_services(catalog) if catalog.models[name].pool in catalog.pools]
    held = resolve.pools_held(catalog) if services else {}
    for name in services:
        pool_name = catalog.models[name].pool
        free = resolve.pool_units(catalog.pools[pool_name]) - held[pool_name]
        needed = resolve.units_of(catalog, name)
        if free < needed:
            what = "GPUs" if resolve.gpus_of(catalog, name) else "cores"
            yield where.report(
                Code.LLM_SERVICE_WITHOUT_ROOM,
                ("models", name, "kserve", "resource"),
                f"an {_LLM} starts its new replica first, and pool `{pool_name}` has {max(0, free)} of the {needed} "
                f"{what} that a replica of `{name}` more takes",
                notes=["its definition has no field for the strategy of its Deployment (KServe 0.19)"],
                help="remove `resource`: an InferenceService makes room first; or make room in the pool",
                also=[(("pools", pool_name), "the pool")],
            )


def parts_fit_a_node(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A transformer or an explainer runs on the nodes of its model's pool."""
    for name, settings in _settings(catalog):
        pool = catalog.pools.get(catalog.models[name].pool)
        offered = pool.node_cpus if pool else None
        for part_name, part in settings.parts.items():
            if offered is not None and part.cpus > offered * 1000:
                yield where.report(
                    Code.PART_OVER_NODE,
                    ("models", name, "kserve", part_name, "cpus"),
                    f"the {part_name} of `{name}` takes {part.cpus}m cores, a node of its pool offers {offered}",
                    help=f"write `cpus: {offered}` or less",
                    also=[(("pools", catalog.models[name].pool, "nodeCpus"), "what a node offers")],
                )


def _settings(catalog: Catalog) -> Iterator[tuple[str, KServe]]:
    """The models on KServe that have a block of its settings."""
    for name, model in catalog.models.items():
        if model.kserve is not None and resolve.foundation_of(catalog, name) is Foundation.KSERVE:
            yield name, model.kserve


def _llm_services(catalog: Catalog) -> Iterator[tuple[str, KServe]]:
    for name, settings in _settings(catalog):
        if settings.resource is KServeResource.LLM_INFERENCE_SERVICE:
            yield name, settings
