"""Engines against accelerators: kernels, quantisation, tensor parallelism. Imports facts and resolvers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Path, Severity
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Model, Pool
from substrate.catalog.rules.capacity import written
from substrate.catalog.showing import shown
from substrate.facts.accelerators import ACCELERATORS, Accelerator
from substrate.facts.engines import ENGINES, GGUF_QUANTIZATION, LLAMA_CPP, OLLAMA, VLLM, VLLM_PLUGINS, Engine

GGUF = ".gguf"
OLLAMA_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"


def on_known_ground(catalog: Catalog) -> Iterator[tuple[str, Model, Pool, Engine, Accelerator]]:
    """Every model that says what an LLM must, whose pool is there and whose engine has facts."""
    for name, model in catalog.models.items():
        pool, engine = catalog.pools.get(model.pool), ENGINES.get(resolve.engine_of(catalog, name))
        if pool is None or engine is None:
            continue
        if (model.weights and model.context) or not engine.has_kv_cache:
            yield name, model, pool, engine, ACCELERATORS[pool.accelerator]


def runs_on(engine: Engine, accelerator: Accelerator) -> bool:
    """Whether the engine's released builds hold code for the accelerator; CPUs and AMD have builds of their own."""
    capability = accelerator.compute_capability
    return capability is None or capability >= engine.min_capability


def runs_on_the_accelerator(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """An engine without kernels for the GPU would start, load for minutes and die."""
    for name, model, _, engine, accelerator in on_known_ground(catalog):
        if runs_on(engine, accelerator):
            continue
        capability = accelerator.compute_capability
        path = written(where, name, "engine")
        yield where.report(
            Code.CAPABILITY_TOO_LOW,
            path if path[-1] == "engine" else ("models", name, "pool"),
            f"{engine.name} cannot run model `{name}` on a {accelerator.name}: it needs compute capability "
            f"{engine.min_capability}, this has {capability}",
            notes=[f"{engine.name} {engine.release}: {engine.capability_reason}", *_weaknesses(accelerator)],
            help=_other_engine(catalog, model, engine),
            also=[
                (("models", name, "pool"), f"pool `{model.pool}`"),
                (("pools", model.pool, "accelerator"), "its GPU"),
            ],
        )


def _weaknesses(accelerator: Accelerator) -> list[str]:
    """What an old GPU cannot do fast, beside lacking kernels: arithmetic in 16 bit begins with 7.0, bf16 with 8.0."""
    capability = accelerator.compute_capability
    if capability is None or capability >= (7, 0):
        return []
    arch = f"sm_{capability.major}{capability.minor}"
    return [
        f"{accelerator.name} ({arch}) has no bf16 and no fast fp16; llama.cpp computes quantised weights in integers"
    ]


def _other_engine(catalog: Catalog, model: Model, engine: Engine) -> str:
    able = [name for name, pool in catalog.pools.items() if runs_on(engine, ACCELERATORS[pool.accelerator])]
    if not engine.has_kv_cache:
        return f"write `pool: {able[0]}`, where it runs" if able else "add a pool of newer GPUs, or of CPUs"
    other = f"write `engine: {LLAMA_CPP}`" + ("" if resolve.is_gguf(model) else " with the model's .gguf file")
    return f"{other}, or `pool: {able[0]}`, where {engine.name} runs" if able else other


def quantization(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A quantisation that the GPU is too old for, or that the engine does not read."""
    for name, model, _, engine, accelerator in on_known_ground(catalog):
        if model.architecture is None or not where.has(("models", name, "architecture", "quantization")):
            continue
        kind = model.architecture.quantization
        path: Path = ("models", name, "architecture", "quantization")
        if engine.formats == (GGUF,):
            if not re.fullmatch(GGUF_QUANTIZATION, kind):
                yield _unknown(path, name, kind, engine, ("q4_k_m", "q5_k_m", "q6_k", "q8_0", "f16", "none"), where)
        elif engine.name == VLLM and kind in VLLM_PLUGINS:
            message = f"model `{name}` is quantised as {kind}, and vLLM's own image does not read it"
            notes = [f"{kind} left vLLM's core and needs the package {VLLM_PLUGINS[kind]}, which its image lacks"]
            yield where.report(Code.QUANTIZATION_TOO_NEW, path, message, notes=notes, help="take other weights")
        elif kind not in engine.quantizations:
            yield _unknown(path, name, kind, engine, tuple(engine.quantizations), where)
        else:
            yield from _too_new(path, name, kind, engine, accelerator, model, where)


def _unknown(path: Path, name: str, kind: str, engine: Engine, known: tuple[str, ...], where: Locator) -> Diagnostic:
    """A warning: the list is dated, and a new kind may well run."""
    return where.report(
        Code.QUANTIZATION_UNKNOWN,
        path,
        f"the quantisation `{kind}` of model `{name}` is not among those known of {engine.name} {engine.release}",
        notes=["whether the GPU can run it was not checked"],
        choices=Choices(kind, known),
        severity=Severity.WARNING,
    )


def _too_new(
    path: Path, name: str, kind: str, engine: Engine, accelerator: Accelerator, model: Model, where: Locator
) -> Iterator[Diagnostic]:
    capability, needed = accelerator.compute_capability, engine.quantizations[kind]
    if capability is None or capability >= needed or not runs_on(engine, accelerator):
        return
    able = [each for each, least in engine.quantizations.items() if least <= capability and each != "none"]
    yield where.report(
        Code.QUANTIZATION_TOO_NEW,
        path,
        f"{engine.name} runs {kind} from compute capability {needed}, a {accelerator.name} has {capability}",
        help=f"take weights in 16 bit or as {', '.join(able)}, or another pool for model `{name}`",
        also=[(("models", name, "pool"), f"pool `{model.pool}`"), (("pools", model.pool, "accelerator"), "its GPU")],
    )


def heads_split_evenly(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Every GPU gets the same number of KV heads; vLLM can also give every head the same number of GPUs."""
    for name, model, pool, engine, _ in on_known_ground(catalog):
        if engine.reserves_slots or model.architecture is None or resolve.on_cpu(pool) or not model.gpus:
            continue
        heads, gpus = model.architecture.kv_heads, model.gpus
        if not split(engine, heads, gpus):
            fitting = [n for n in range(1, resolve.gpus_per_node(pool) + 1) if split(engine, heads, n)]
            yield where.report(
                Code.PARALLEL_SPLIT,
                ("models", name, "gpus"),
                f"the {heads} KV heads of model `{name}` do not divide over {gpus} GPUs",
                help=f"write `gpus:` {', '.join(map(str, fitting)) or '1'}",
                also=[(("models", name, "architecture", "kvHeads"), f"{heads} KV heads")],
            )


def split(engine: Engine, heads: int, gpus: int) -> bool:
    """Whether KV heads divide over GPUs."""
    return not heads % gpus or (engine.spreads_heads and not gpus % heads)


def can_serve_the_name(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Ollama reads a name as host/namespace/model:tag, and would list the model under another."""
    for name, model in catalog.models.items():
        if model.pool not in catalog.pools or resolve.engine_of(catalog, name) != OLLAMA:
            continue
        served = resolve.served_name_of(catalog, name)
        if not re.fullmatch(OLLAMA_NAME, served):
            yield where.report(
                Code.SERVED_NAME_UNFIT,
                ("models", name, "servedName"),
                f"ollama cannot serve model `{name}` as `{shown(served)}`",
                notes=["it takes `/` and `:` for a registry's folder and a tag"],
                help="write letters, digits and . _ -, 80 at most, as qwen2.5-7b",
                also=[(written(where, name, "engine"), "the engine is ollama")],
            )
