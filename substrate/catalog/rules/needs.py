"""What an engine cannot do without, though the block leaves it open. Imports the catalogue's types and resolvers."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.diagnostics import Diagnostic
from substrate.catalog.explain import missing
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Model
from substrate.facts.engines import ENGINES


def weights_and_context(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """An engine for LLMs reads weights, and its memory is laid out for a context."""
    for name, model in catalog.models.items():
        engine = ENGINES.get(resolve.engine_of(catalog, name))
        if engine is None or not engine.has_kv_cache:
            continue
        context = model.context or model.adapter  # an adapter's is its base model's
        for key, value in (("weights", model.weights), ("context", context)):
            if value is None:
                yield missing(Model, ("models", name, key), where)
