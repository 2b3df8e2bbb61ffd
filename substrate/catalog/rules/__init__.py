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
    arguments,
    bento,
    capacity,
    engines,
    ensembles,
    files,
    front_door,
    gateway,
    kserve,
    kserve_parts,
    logging,
    memory,
    names,
    needs,
    nim,
    pipelines,
    pools,
    references,
    scaling,
    servers,
    sources,
    stores,
    triton,
    versions,
)

Rule = Callable[[Catalog, Locator], Iterator[Diagnostic]]

# Each with the sections that it counts on as a whole: where a block of theirs is wrong, it would know half the facts.
RULES: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (references.names_exist, ()),
    (references.a_team_is_named, ("defaults",)),
    (references.a_store_is_named, ("defaults",)),
    (needs.weights_and_context, ()),
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
    (scaling.something_scales, ("defaults", "models", "servers")),
    (scaling.something_measures, ()),
    (scaling.waking_is_kedas, ()),
    (scaling.waking_can_refuse, ()),
    (scaling.zero_is_behind_nothing, ("defaults",)),
    (scaling.metric_is_exported, ("defaults", "models", "servers")),
    (scaling.something_is_exported, ("defaults", "models", "servers")),
    (scaling.gpu_is_told_of, ("defaults", "models", "servers")),
    (scaling.the_scaler_can_ask, ("defaults", "models", "servers")),
    (scaling.target_is_of_its_metric, ("defaults", "models", "servers")),
    (scaling.guard_is_told, ("defaults", "models", "servers")),
    (scaling.target_is_held_at_once, ("defaults", "models", "servers")),
    (scaling.idle_leads_to_zero, ("defaults", "models", "servers")),
    (stores.one_kind, ()),
    (stores.holds_its_weights, ("defaults", "stores", "teams")),
    (stores.one_node_volumes, ("defaults", "stores", "teams")),
    (sources.fields_of_the_scheme, ()),
    (files.paths_do_not_collide, ()),
    (files.hold_no_code, ("defaults", "pools")),
    (files.format_of_the_engine, ("defaults", "pools")),
    (engines.runs_on_the_accelerator, ("defaults",)),
    (engines.quantization, ("defaults",)),
    (engines.heads_split_evenly, ("defaults",)),
    (engines.can_serve_the_name, ("defaults", "pools")),
    (arguments.extra_arguments, ("defaults", "pools")),
    (arguments.permissions_have_an_effect, ("defaults", "pools")),
    (memory.fits, ("defaults",)),
    (bento.engine_and_foundation, ("defaults", "pools")),
    (bento.settings_have_an_effect, ("defaults",)),
    (bento.one_source, ("defaults",)),
    (bento.services_are_stages, ("defaults",)),
    (bento.fits_a_node, ("defaults",)),
    (pipelines.stages_exist, ()),
    (pipelines.one_entry, ()),
    (pipelines.each_service_once, ()),
    (pipelines.names_leave_room, ()),
    (pipelines.stages_fit_the_pool, ("defaults",)),
    (kserve.settings_have_an_effect, ("defaults",)),
    (kserve.canary_needs_revisions, ()),
    (kserve.knative_is_reached, ("defaults",)),
    (kserve.engine_has_a_runtime, ("defaults", "pools")),
    (kserve.one_port_in_knative, ("defaults", "pools")),
    (kserve.name_leaves_room, ("defaults",)),
    (gateway.open_to_nobody_unnamed, ()),
    (front_door.path_is_free, ()),
    (front_door.served_names_differ, ("defaults",)),
    (front_door.namespace_is_free, ()),
    (logging.a_sink_is_named, ("defaults",)),
    (logging.the_logger_has_an_image, ("defaults",)),
    (logging.a_server_logs_as_one, ("defaults", "models")),
    (logging.what_passes_by, ("defaults", "pools")),
    (kserve_parts.installed_version_is_known, ()),
    (kserve_parts.llm_service_can_do_it, ("defaults", "pools")),
    (kserve_parts.llm_service_can_roll, ("defaults", "pools", "models")),
    (kserve_parts.parts_fit_a_node, ("defaults",)),
    (nim.block_is_there, ("defaults", "pools")),
    (nim.key_is_named, ()),
    (nim.runs_on_nvidia, ("defaults",)),
    (triton.engine_and_foundation_agree, ("defaults", "pools")),
    (triton.block_is_there, ("defaults", "pools")),
    (triton.one_kind, ("defaults",)),
    (triton.files_of_the_backend, ("defaults",)),
    (triton.code_is_permitted, ("defaults",)),
    (triton.batches_make_sense, ("defaults",)),
    (triton.models_fit_together, ("defaults", "models", "pools")),
    (triton.tensors_are_told_apart, ("defaults",)),
    (triton.served_name_is_a_folder, ("defaults",)),
    (ensembles.steps_are_in_the_server, ("defaults", "models", "servers")),
    (ensembles.ensembles_end, ("defaults",)),
    (ensembles.tensors_lead_somewhere, ("defaults", "models")),
    (ensembles.tensors_agree, ("defaults", "models")),
    (versions.archived, ("defaults", "pools")),
    (servers.models_share_a_workload, ("defaults", "models")),
    (servers.a_model_has_one_server, ()),
    (servers.names_are_free, ()),
    (servers.engine_serves_several, ("defaults", "models")),
    (servers.size_is_the_servers, ()),
    (servers.adapters_have_their_base, ()),
    (servers.vllm_has_one_base, ("defaults", "models")),
    (servers.ollama_tells_them_apart, ("defaults", "models")),
    (servers.models_fit_together, ("defaults", "models")),
)


def judge(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Everything that the rules find."""
    for rule, counted_on in RULES:
        if all(_whole(catalog, section, where) for section in counted_on):
            yield from rule(catalog, where)


def _whole(catalog: Catalog, section: str, where: Locator) -> bool:
    """Whether every block of a section that the file holds was valid."""
    if section == "defaults":
        return not where.has((section,)) or section in catalog.model_fields_set
    return len(where.names(section)) == len(getattr(catalog, section))
