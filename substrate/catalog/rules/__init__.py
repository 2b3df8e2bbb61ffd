"""What blocks mean together: small pure functions from a catalogue and its places to diagnostics.

Imports the catalogue's types, resolvers, locator, facts and the fit. A rule sees only blocks that are valid by
themselves, and passes over a name that leads to none: the fault is reported where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from substrate.catalog.diagnostics import Diagnostic
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules import (
    capacity,
    engines,
    files,
    memory,
    names,
    pools,
    references,
    sources,
    stores,
    versions,
)

Rule = Callable[[Catalog, Locator], Iterator[Diagnostic]]

# Each with the sections that it counts on as a whole: where a block of theirs is wrong, it would know half the facts.
RULES: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (references.names_exist, ()),
    (references.a_team_is_named, ("defaults",)),
    (references.a_store_is_named, ("defaults",)),
    (names.service_names, ()),
    (names.served_names_differ, ("defaults", "teams")),
    (names.namespaces_differ, ()),
    (names.namespaces_are_free, ()),
    (pools.nodes_belong_to_one_pool, ()),
    (pools.kind_matches_gpus, ()),
    (capacity.bounds, ("defaults",)),
    (capacity.zero_needs_a_wake_path, ("defaults",)),
    (capacity.a_replica_fits_a_node, ()),
    (capacity.replicas_fit_the_pool, ("defaults",)),
    (capacity.minimums_fit_the_pool, ("defaults",)),
    (stores.one_kind, ()),
    (stores.holds_its_weights, ("defaults", "stores", "teams")),
    (stores.one_node_volumes, ("defaults", "stores", "teams")),
    (sources.fields_of_the_scheme, ()),
    (files.paths_do_not_collide, ()),
    (files.format_of_the_engine, ("defaults", "pools")),
    (engines.runs_on_the_accelerator, ("defaults",)),
    (engines.quantization, ("defaults",)),
    (engines.heads_split_evenly, ("defaults",)),
    (memory.fits, ("defaults",)),
    (versions.foundations, ("defaults",)),
    (versions.engines, ("defaults",)),
    (versions.servers, ()),
)


def judge(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Everything that the rules find."""
    for rule, needs in RULES:
        if all(_whole(catalog, section, where) for section in needs):
            yield from rule(catalog, where)


def _whole(catalog: Catalog, section: str, where: Locator) -> bool:
    """Whether every block of a section that the file holds was valid."""
    if section == "defaults":
        return not where.has((section,)) or section in catalog.model_fields_set
    return len(where.names(section)) == len(getattr(catalog, section))
