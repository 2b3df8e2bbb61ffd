"""Models of NIM images: the block, the key that the image asks for, the GPUs. Imports resolvers and facts."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.types import EngineName
from substrate.facts.accelerators import ACCELERATORS, Vendor


def block_is_there(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """An image is one model's, so no default could name it; for other engines the block says nothing."""
    for name, model in catalog.models.items():
        path: Path = ("models", name, "nim")
        is_nim = resolve.engine_of(catalog, name) is EngineName.NIM
        if is_nim and model.nim is None and not where.has(path):
            yield where.report(
                Code.NIM_BLOCK_MISSING,
                ("models", name),
                f"model `{name}` is served by a NIM image, and its block does not say which",
                at=where.key(("models", name)),
                help="write `nim: {image: nvcr.io/nim/<org>/<model>:<tag>, secretRef: <a Secret with NGC_API_KEY>}`",
                also=[(written(where, name, "engine"), "so a NIM serves it")],
            )
        elif model.nim is not None and not is_nim:
            yield where.report(
                Code.SETTINGS_WITHOUT_EFFECT,
                path,
                f"`nim` has no effect on model `{name}`, which {resolve.engine_of(catalog, name)} serves",
                at=where.key(path),
                help="remove the block, or `engine`",
            )


def runs_on_nvidia(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Its images hold builds for CUDA and for nothing else."""
    for name, model in catalog.models.items():
        pool = catalog.pools.get(model.pool)
        if pool is None or resolve.engine_of(catalog, name) is not EngineName.NIM:
            continue
        if ACCELERATORS[pool.accelerator].vendor is not Vendor.NVIDIA:
            yield where.report(
                Code.NIM_WITHOUT_NVIDIA,
                ("models", name, "pool"),
                f"model `{name}` is a NIM, and pool `{model.pool}` has no GPUs of NVIDIA's",
                help="name a pool of NVIDIA's GPUs, or write `engine: vllm` or `engine: llama.cpp` without `nim`",
                also=[(("pools", model.pool, "accelerator"), "what it has")],
            )


def key_is_named(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A NIM without its key ends at its start, after the image was pulled and the weights were staged."""
    for name, model in catalog.models.items():
        if model.nim is not None and model.nim.secret_ref is None:
            path: Path = ("models", name, "nim")
            yield where.report(
                Code.NIM_WITHOUT_KEY,
                path,
                f"model `{name}` is a NIM without a key: its server ends where NGC_API_KEY is not set",
                at=where.key(path),
                help="write `secretRef: ngc-key`, and make it: kubectl create secret generic ngc-key "
                "--from-literal=NGC_API_KEY=...",
            )
