"""`substrate needs`: what a stack needs of a cluster, one a line: foundations, engines, more. Imports the catalogue."""

from __future__ import annotations

import sys
from pathlib import Path

from substrate.catalog import CatalogError, load, resolve
from substrate.catalog.kserve import KServeResource
from substrate.catalog.model import Catalog
from substrate.catalog.types import Foundation

_LLM = "kserve-llm"  # as the embedded cluster calls it


def run(path: Path, context: str | None) -> int:
    """Print each foundation, engine and extra once, and nothing where the stack's context is another than `context`.

    Returns 1, with everything that is wrong, for a stack file that is not valid.
    """
    try:
        catalog = load(path)
    except CatalogError as error:
        print(error, file=sys.stderr)
        return 1
    if context not in (None, catalog.cluster.context):
        return 0
    foundations = {str(resolve.foundation_of(catalog, name)) for name in catalog.models}
    engines = {str(resolve.engine_of(catalog, name)) for name in catalog.models}
    logging = {"payload-logging"} if any(resolve.logging_of(catalog, name) for name in catalog.models) else set()
    front_door = {"front-door"} if catalog.front_door else set()
    beside = logging | front_door | _scaling(catalog)
    print("\n".join(sorted(foundations | engines | _controllers(catalog) | beside)))
    return 0


def _scaling(catalog: Catalog) -> set[str]:
    """What observes the models, what scales them, what wakes them."""
    observed = {"prometheus"} if catalog.monitoring else set()
    if catalog.autoscaling is None:
        return observed
    waking = {str(catalog.autoscaling.wake)} if catalog.autoscaling.wake else set()
    return {*observed, str(catalog.autoscaling.through), *waking}


def _controllers(catalog: Catalog) -> set[str]:
    """KServe's second controller, which only one of its kinds of object needs."""
    on_kserve = (
        model.kserve
        for name, model in catalog.models.items()
        if model.kserve and resolve.foundation_of(catalog, name) is Foundation.KSERVE
    )
    return {_LLM for settings in on_kserve if settings.resource is KServeResource.LLM_INFERENCE_SERVICE}
