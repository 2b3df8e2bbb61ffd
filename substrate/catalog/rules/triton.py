"""A model of Triton's by itself: its block, files, permission, batches. Imports the catalogue's types and resolvers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from substrate import fit
from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.showing import shown
from substrate.catalog.triton import Backend, Load, Tensor, Triton
from substrate.catalog.types import EngineName, Foundation, Permission
from substrate.values import Bytes

# What a backend looks for in a version's folder: one of these (its own default names; reference/runtimes.md 3.1).
FILES = {
    Backend.ONNXRUNTIME: ("model.onnx",),
    Backend.TENSORRT: ("model.plan",),
    Backend.PYTHON: ("model.py",),
    Backend.VLLM: ("model.json",),
    Backend.FIL: ("xgboost.json", "xgboost.ubj", "model.txt"),
}
RUNS_TRITON = (Foundation.TRITON, Foundation.KSERVE)
# The served name is a folder of the repository and a part of a URL.
SERVED_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def of_triton(catalog: Catalog) -> Iterator[tuple[str, Triton]]:
    """Every model that Triton serves and that says how."""
    for name, model in catalog.models.items():
        if model.triton and resolve.engine_of(catalog, name) is EngineName.TRITON:
            yield name, model.triton


def engine_and_foundation_agree(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Foundation triton runs Triton alone, and Triton runs there or as KServe's runtime."""
    for name in catalog.models:
        engine, foundation = resolve.engine_of(catalog, name), resolve.foundation_of(catalog, name)
        on_triton, is_triton = foundation is Foundation.TRITON, engine is EngineName.TRITON
        if on_triton == is_triton or (is_triton and foundation in RUNS_TRITON):
            continue
        other = "remove `engine`" if on_triton else "write `foundation: triton` or `foundation: kserve`"
        path = written(where, name, "foundation" if is_triton else "engine")
        yield where.report(
            Code.TRITON_ENGINE,
            path,
            f"model `{name}` has engine {engine} on foundation {foundation}: "
            + ("there runs Triton and nothing else" if on_triton else "Triton does not run there"),
            help=other,
            also=[(written(where, name, "foundation"), f"it runs on {foundation}")],
        )


def block_is_there(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Triton completes nothing at its start, so it is told of every tensor; to other engines a block says nothing."""
    for name, model in catalog.models.items():
        engine = resolve.engine_of(catalog, name)
        if engine is EngineName.TRITON and model.triton is None and not where.has(("models", name, "triton")):
            yield where.report(
                Code.TRITON_BLOCK_MISSING,
                ("models", name),
                f"model `{name}` is served by Triton, and its block does not say how",
                at=where.key(("models", name)),
                help="write `triton: {backend: onnxruntime, inputs: [...], outputs: [...]}` with the tensors' names, "
                "dataType and dims",
                also=[(written(where, name, "foundation"), "so Triton serves it")],
            )
        elif engine is not EngineName.TRITON and model.triton is not None:
            path: Path = ("models", name, "triton")
            yield where.report(
                Code.SETTINGS_WITHOUT_EFFECT,
                path,
                f"`triton` has no effect on model `{name}`, which {engine} serves",
                at=where.key(path),
                help="remove the block, or `engine`",
                also=[(("models", name, "engine"), f"the engine is {engine}")],
            )


def one_kind(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Files that a backend runs, or models that an ensemble joins: never both, never neither."""
    for name, block in of_triton(catalog):
        path: Path = ("models", name, "triton")
        if (block.backend is None) == (block.ensemble is None):
            both = block.backend is not None
            yield where.report(
                Code.BACKEND_OR_ENSEMBLE,
                path,
                f"model `{name}` has {'both a backend and an ensemble' if both else 'neither backend nor ensemble'}",
                at=where.key(path),
                help="remove one of the two" if both else "write `backend: onnxruntime`, or `ensemble: {steps: [...]}`",
            )
        elif block.ensemble and (catalog.models[name].weights or block.instances > 1 or block.dynamic_batching):
            yield from _of_an_ensemble(catalog, name, block, where)


def _of_an_ensemble(catalog: Catalog, name: str, block: Triton, where: Locator) -> Iterator[Diagnostic]:
    """An ensemble is a plan of steps: files, instances and queues are its models'."""
    here: Path = ("models", name)
    keys = (("weights",), ("triton", "instances"), ("triton", "dynamicBatching"))
    for key in keys:
        path = (*here, *key)
        if where.has(path):
            yield where.report(
                Code.SETTINGS_WITHOUT_EFFECT,
                path,
                f"`{key[-1]}` has no effect on model `{name}`, which is an ensemble",
                at=where.key(path),
                help=f"write it at the models of its steps, or remove it: {block.ensemble.steps[0].model} is the first"
                if block.ensemble
                else "remove it",
            )


def files_of_the_backend(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Without its file a backend says little: python's hangs without a word (seen with 2.51)."""
    for name, block in of_triton(catalog):
        weights = catalog.models[name].weights
        if block.backend is None or block.ensemble is not None:
            continue
        wanted, there = FILES[block.backend], weights.files if weights else {}
        if any(path in there for path in wanted):
            continue
        path: Path = ("models", name, "weights", "files") if weights else ("models", name)
        yield where.report(
            Code.BACKEND_FILE_MISSING,
            path,
            f"model `{name}` has no {' or '.join(wanted)}, which the backend {block.backend} runs",
            at=where.key(path),
            help=f"add `{wanted[0]}: {{sha256: ..., size: ...}}` to the `files` of its weights",
            also=[(("models", name, "triton", "backend"), "the backend")],
        )


def code_is_permitted(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The python backend runs a program that comes with the weights: somebody has to say that it may."""
    for name, block in of_triton(catalog):
        permitted = Permission.TRUST_REMOTE_CODE in catalog.models[name].permissions
        if block.backend is Backend.PYTHON and not permitted:
            yield where.report(
                Code.CODE_NOT_PERMITTED,
                ("models", name, "triton", "backend"),
                f"model `{name}` would run the model.py that comes with its weights, without permission",
                help="read that file, and write `permissions: [trust-remote-code]`",
                also=[(("models", name), "what lacks it")],
            )


def batches_make_sense(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Requests are joined up to maxBatchSize, in sizes that lie within it."""
    for name, block in of_triton(catalog):
        batching, here = block.dynamic_batching, ("models", name, "triton")
        if batching is None:
            continue
        if not block.max_batch_size:
            path: Path = (*here, "dynamicBatching")
            message = f"model `{name}` batches requests, and its maxBatchSize is 0: it knows no batches"
            advice = "write `maxBatchSize:` with the rows that one execution may have, or remove dynamicBatching"
            yield where.report(Code.BATCHING, path, message, at=where.key(path), help=advice)
            continue
        for number, size in enumerate(batching.preferred_batch_sizes):
            if size > block.max_batch_size:
                yield where.report(
                    Code.BATCHING,
                    (*here, "dynamicBatching", "preferredBatchSizes", number),
                    f"model `{name}` prefers batches of {size}, and its maxBatchSize is {block.max_batch_size}",
                    help=f"write {block.max_batch_size} or less",
                    also=[((*here, "maxBatchSize"), "rows of one execution")],
                )


def models_fit_together(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """What is loaded at the start stays: all of it lies in the GPUs' memory at once, or in that of a node of CPUs."""
    blocks = dict(of_triton(catalog))
    for server, block in catalog.servers.items():
        loaded = [name for name in block.models if name in blocks and blocks[name].load is Load.START]
        if len(loaded) < 2 or any(catalog.models[name].pool not in catalog.pools for name in loaded):
            continue
        fits = [fit.of(catalog, name) for name in loaded]
        # On GPUs the overhead is the server's, on CPUs that of each model's process.
        shared = fits[0].overhead * (len(fits) - 1) if resolve.gpus_of(catalog, loaded[0]) else 0
        need, budget = Bytes(sum(each.need for each in fits) - shared), fits[0].budget
        if 0 < budget < need and all(each.fits for each in fits):
            yield where.report(
                Code.DOES_NOT_FIT,
                ("servers", server, "models"),
                f"the {len(loaded)} models that server `{server}` loads at its start need {need}, there are {budget}",
                at=where.key(("servers", server, "models")),
                help="write `load: onDemand` for those that are seldom asked, take fewer, or more memory",
                also=[(("pools", catalog.models[loaded[0]].pool), "where they run")],
            )


def tensors_are_told_apart(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A name is one tensor's; a dimension has a length or any."""
    for name, block in of_triton(catalog):
        for key, tensors in (("inputs", block.inputs), ("outputs", block.outputs)):
            yield from _of_tensors(name, key, tensors, where)


def _of_tensors(name: str, key: str, tensors: list[Tensor], where: Locator) -> Iterator[Diagnostic]:
    here: Path = ("models", name, "triton", key)
    first: dict[str, int] = {}
    for number, tensor in enumerate(tensors):
        if first.setdefault(tensor.name, number) != number:
            yield where.report(
                Code.TENSOR_TWICE,
                (*here, number, "name"),
                f"model `{name}` has two {key} called `{shown(tensor.name)}`",
                help="remove one, or name it as the model's graph does",
                also=[((*here, first[tensor.name], "name"), "the first")],
            )
        for place, length in enumerate(tensor.dims):
            if length == 0:
                path = (*here, number, "dims", place)
                message = f"a dimension of `{shown(tensor.name)}` of model `{name}` is 0, which holds nothing"
                yield where.report(Code.TENSOR_SHAPE, path, message, help="write its length, or -1 for any")


def served_name_is_a_folder(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Triton's repository has a folder of that name, and clients ask at /v2/models/<name>."""
    for name, _ in of_triton(catalog):
        served = resolve.served_name_of(catalog, name)
        if not re.fullmatch(SERVED_NAME, served):
            yield where.report(
                Code.SERVED_NAME_UNFIT,
                ("models", name, "servedName"),
                f"Triton cannot serve model `{name}` as `{shown(served)}`",
                notes=["it is a folder's name and a part of the URL"],
                help="write letters, digits and . _ -",
            )
