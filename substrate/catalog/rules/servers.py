"""Servers of several models: who may share one, and LoRA adapters. Imports the catalogue's resolvers and the fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from substrate import fit
from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path, Severity
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Server
from substrate.catalog.rules.capacity import written
from substrate.catalog.showing import shown
from substrate.catalog.types import EngineName, Foundation
from substrate.facts.engines import ENGINES


def _parallel_of_all(catalog: Catalog, name: str) -> int | None:
    """Ollama has one number of requests at once for all its models; the others have one for each."""
    return resolve.parallel_of(catalog, name) if resolve.engine_of(catalog, name) == EngineName.OLLAMA else None


# What a workload has once, and so all its models share.
_SHARED: dict[tuple[str, ...], Callable[[Catalog, str], object]] = {
    ("team",): resolve.team_or_none,
    ("pool",): lambda catalog, name: catalog.models[name].pool,
    ("foundation",): resolve.foundation_of,
    ("engine",): resolve.engine_of,
    ("tier",): resolve.tier_of,
    ("downtime",): lambda catalog, name: catalog.models[name].downtime,
    ("weights", "store"): resolve.store_or_none,
    ("parallel",): _parallel_of_all,
}
_HOW = {
    EngineName.LLAMA_CPP: "its router loads each model by name",
    EngineName.VLLM: "one model and LoRA adapters of it",
    EngineName.TRITON: "its model repository",
    EngineName.OLLAMA: "its store",
}
# Which of the models that are held makes room for another.
_LEAVES = {EngineName.LLAMA_CPP: "the one idle longest", EngineName.OLLAMA: "one that is idle"}
_SIZE = ("gpus", "cpus", "replicas", "scaling")


def _present(catalog: Catalog, server: Server) -> list[str]:
    """The models of a server that are there and whose pool is, each once."""
    there = [name for name in server.models if name in catalog.models and catalog.models[name].pool in catalog.pools]
    return list(dict.fromkeys(there))


def _together(catalog: Catalog, server: Server) -> list[str]:
    """The models of a server where there are several, and they can share one; else nothing more is said of it."""
    present = _present(catalog, server)
    agree = all(_difference(catalog, present[0], name) is None for name in present[1:])
    return present if len(present) > 1 and agree else []


def _difference(catalog: Catalog, first: str, other: str) -> tuple[str, ...] | None:
    """The first thing in which two models of a server differ: others mostly follow from it."""
    staged = all(catalog.models[name].weights for name in (first, other))
    shared = [key for key in _SHARED if staged or key[0] != "weights"]
    return next((key for key in shared if _SHARED[key](catalog, first) != _SHARED[key](catalog, other)), None)


def models_share_a_workload(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """One pod has one namespace, one pool, one image: what two models say of it is the same."""
    for server_name, server in catalog.servers.items():
        present = _present(catalog, server)
        for name in present[1:]:
            key = _difference(catalog, present[0], name)
            if key is not None:
                first, other = (_SHARED[key](catalog, each) for each in (present[0], name))
                yield where.report(
                    Code.SERVER_OF_DIFFERENT_KINDS,
                    written(where, name, *key),
                    f"models `{present[0]}` and `{name}` share server `{server_name}`, and differ in "
                    f"`{'.'.join(key)}`: {first} and {other}",
                    help="write the same for both, or take one out of the server",
                    also=[
                        (written(where, present[0], *key), f"`{present[0]}` has {first}"),
                        (("servers", server_name), "the server"),
                    ],
                )


def a_model_has_one_server(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    seen: dict[str, Path] = {}
    for server_name, server in catalog.servers.items():
        for number, name in enumerate(server.models):
            path: Path = ("servers", server_name, "models", number)
            first = seen.setdefault(name, path)
            if first != path:
                yield where.report(
                    Code.MODEL_IN_TWO_SERVERS,
                    path,
                    f"model `{name}` is named a second time",
                    notes=["its URL leads to one server"],
                    help="remove one of the two",
                    also=[(first, "named first here")],
                )


def names_are_free(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A server's objects are named after it, a model's after the model, in one namespace."""
    for name in where.names("servers"):
        if where.has(("models", name)):
            yield where.report(
                Code.SERVER_NAME_CLASH,
                ("servers", name),
                f"`{name}` is a server and a model",
                at=where.key(("servers", name)),
                help="give the server a name of its own",
                also=[(("models", name), "the model")],
            )


def engine_serves_several(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Where an engine, or the foundation under it, holds one model only."""
    for server_name, server in catalog.servers.items():
        present = _together(catalog, server)
        if not present:
            continue
        engine, foundation = resolve.engine_of(catalog, present[0]), resolve.foundation_of(catalog, present[0])
        on_kserve = foundation is Foundation.KSERVE and engine is not EngineName.TRITON
        if engine in _HOW and not on_kserve:
            continue
        modelmesh = "KServe served several by ModelMesh, which was archived in 2026-04"
        able = ", ".join(f"{each} ({how})" for each, how in _HOW.items())
        yield where.report(
            Code.ENGINE_SERVES_ONE,
            ("servers", server_name, "models"),
            f"server `{server_name}` holds {len(present)} models, and {'kserve' if on_kserve else engine} serves one",
            notes=[modelmesh] if on_kserve else [],
            help=f"several are served on foundation plain by {able}; or remove the server",
            also=[(written(where, present[0], "foundation" if on_kserve else "engine"), "chosen here")],
        )


def size_is_the_servers(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """How large a replica is and how many run is the server's matter; extraArgs would have no process of their own."""
    for server_name, server in catalog.servers.items():
        for name in _together(catalog, server):
            for key in (*_SIZE, "extraArgs"):
                path: Path = ("models", name, key)
                base = key == "extraArgs" and _is_base(catalog, name)
                if where.has(path) and not base:
                    advice = f"write it in the block of server `{server_name}`" if key in _SIZE else "remove it"
                    yield where.report(
                        Code.SETTINGS_WITHOUT_EFFECT,
                        path,
                        f"`{key}` has no effect on model `{name}`, which shares server `{server_name}`",
                        at=where.key(path),
                        help=f"{advice}, or take the model out of the server",
                        also=[(("servers", server_name), "the server")],
                    )


def _is_base(catalog: Catalog, name: str) -> bool:
    """vLLM has one process, whose arguments are those of the model that the adapters change."""
    return catalog.models[name].adapter is None and resolve.engine_of(catalog, name) == EngineName.VLLM


def adapters_have_their_base(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """An adapter is served beside the model that it changes, and vLLM serves one model with its adapters."""
    for name, model in catalog.models.items():
        if model.adapter is None:
            continue
        path: Path = ("models", name, "adapter", "of")
        base, server = model.adapter.of, resolve.server_of(catalog, name)
        if server is None or resolve.server_of(catalog, base) != server or base == name:
            yield where.report(
                Code.ADAPTER_WITHOUT_BASE,
                path,
                f"adapter `{name}` is served beside `{base}`, and no server holds both",
                help=f"write `substrate:servers: {{NAME: {{models: [{base}, {name}]}}}}`",
                also=[(("models", base), "its base model"), (("servers", server or ""), "its server")],
            )
        engine = resolve.engine_of(catalog, name)
        if engine != EngineName.VLLM:
            yield where.report(
                Code.ADAPTER_ON_ANOTHER_ENGINE,
                ("models", name, "adapter"),
                f"adapter `{name}` is served by vllm, and its engine is {engine}",
                at=where.key(("models", name, "adapter")),
                help="write `engine: vllm` for it and its base model, or merge the adapter into the weights",
                also=[(written(where, name, "engine"), "chosen here")],
            )
        for key in ("context", "parallel", "architecture"):
            if where.has(("models", name, key)):
                yield where.report(
                    Code.SETTINGS_WITHOUT_EFFECT,
                    ("models", name, key),
                    f"`{key}` has no effect on adapter `{name}`: it is its base model's",
                    at=where.key(("models", name, key)),
                    help="remove it",
                    also=[(path, f"the base is `{base}`")],
                )
        ranks = ENGINES[EngineName.VLLM].adapter_ranks
        if model.adapter.rank > ranks[-1]:
            yield where.report(
                Code.OUT_OF_RANGE,
                ("models", name, "adapter", "rank"),
                f"adapter `{name}` has rank {model.adapter.rank}, and vLLM's largest is {ranks[-1]}",
                help="take an adapter of a smaller rank, or merge it into the weights",
            )


def vllm_has_one_base(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    for server_name, server in catalog.servers.items():
        present = _together(catalog, server)
        bases = [name for name in present if catalog.models[name].adapter is None]
        if present and resolve.engine_of(catalog, present[0]) == EngineName.VLLM and len(bases) != 1:
            yield where.report(
                Code.ENGINE_SERVES_ONE,
                ("servers", server_name, "models"),
                f"server `{server_name}` holds {len(bases)} models that are no adapters, and vLLM serves one",
                help="give each its own server, say of an adapter what it is (`adapter: {of: ...}`), or write "
                "`engine: llama.cpp` for .gguf files",
                also=[(("models", name), f"`{name}`") for name in bases[:4]],
            )


def ollama_tells_them_apart(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """To Ollama names are the same in capitals, and one file is one model, loaded anew where its context changes."""
    for server in catalog.servers.values():
        present = _together(catalog, server)
        if not present or resolve.engine_of(catalog, present[0]) != EngineName.OLLAMA:
            continue
        for first, other in combinations(present, 2):
            names = [resolve.served_name_of(catalog, name) for name in (first, other)]
            if names[0] != names[1] and names[0].casefold() == names[1].casefold():
                yield where.report(
                    Code.SERVED_NAME_UNFIT,
                    written(where, other, "servedName"),
                    f"ollama takes `{shown(names[0])}` and `{shown(names[1])}` for one name",
                    help="write a name that differs in more than capitals",
                    also=[(written(where, first, "servedName"), f"`{first}`")],
                )
            contexts = [catalog.models[name].context for name in (first, other)]
            if contexts[0] != contexts[1] and _digests(catalog, first) & _digests(catalog, other):
                yield where.report(
                    Code.SERVER_OF_DIFFERENT_KINDS,
                    written(where, other, "context"),
                    f"models `{first}` and `{other}` are the same file, and differ in `context`: {contexts[0]} and "
                    f"{contexts[1]}",
                    notes=["ollama holds a file once, and would load it anew whenever the other one is asked"],
                    help="write the same for both, or take one out of the server",
                    also=[(written(where, first, "context"), f"`{first}`")],
                )


def _digests(catalog: Catalog, name: str) -> set[str]:
    weights = catalog.models[name].weights
    return {file.sha256 for file in weights.files.values()} if weights else set()


def models_fit_together(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """As many are held as fit, whichever they are; what does not fit waits for another to leave."""
    for server_name, server in catalog.servers.items():
        present = _together(catalog, server)
        if not present or not _judged(catalog, present):
            continue
        count, budget = fit.resident(catalog, present), fit.of(catalog, present[0]).budget
        engine = resolve.engine_of(catalog, present[0])
        if 0 < count < len(present):
            yield where.report(
                Code.SERVER_SWAPS,
                ("servers", server_name, "models"),
                f"server `{server_name}` holds {count} of its {len(present)} models at once, in {budget}",
                notes=[f"a request for another waits while that one is loaded, and {_LEAVES[engine]} is thrown out"],
                help="fewer models, smaller contexts, or more memory keep all of them loaded",
                severity=Severity.WARNING,
            )


def _judged(catalog: Catalog, names: list[str]) -> bool:
    return resolve.engine_of(catalog, names[0]) in _LEAVES and all(catalog.models[name].context for name in names)
