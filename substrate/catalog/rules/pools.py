"""Pools of nodes. Imports the catalogue's types, resolvers and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Pool
from substrate.catalog.resolve import on_cpu


def nodes_belong_to_one_pool(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A node has one pool label and one taint, so it is named once."""
    seen: dict[str, Path] = {}
    for name, pool in catalog.pools.items():
        for number, node in enumerate(pool.nodes):
            path: Path = ("pools", name, "nodes", number)
            first = seen.setdefault(node, path)
            if first != path:
                both = (
                    f"pools `{first[1]}` and `{name}` both claim" if first[1] != name else f"pool `{name}` claims twice"
                )
                yield where.report(
                    Code.NODE_CLAIMED_TWICE,
                    path,
                    f"{both} the node `{node}`",
                    help="name it once",
                    also=[(first, "first claimed here")],
                )


def kind_matches_gpus(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """GPUs where the accelerator is one, cores and memory where it is `cpu`."""
    for name, pool in catalog.pools.items():
        yield from _cpu_pool(name, pool, where) if on_cpu(pool) else _gpu_pool(name, pool, where)


def _cpu_pool(name: str, pool: Pool, where: Locator) -> Iterator[Diagnostic]:
    here: Path = ("pools", name)
    kind = [((*here, "accelerator"), "a pool of CPUs")]
    for key, value in (("gpusPerNode", pool.gpus_per_node), ("gpuMemory", pool.gpu_memory)):
        if value:
            message = f"pool `{name}` has accelerator cpu and `{key}`"
            advice = f"remove `{key}`, or name the GPU as accelerator"
            yield where.report(Code.GPUS_ON_CPU_POOL, (*here, key), message, help=advice, also=kind)
    missing = [key for key, value in (("nodeCpus", pool.node_cpus), ("nodeMemory", pool.node_memory)) if value is None]
    if missing:
        examples = {"nodeCpus": "nodeCpus: 8", "nodeMemory": "nodeMemory: 32Gi"}
        yield where.report(
            Code.CPU_POOL_WITHOUT_SIZE,
            here,
            f"pool `{name}` has accelerator cpu and no {' and no '.join(f'`{key}`' for key in missing)}",
            at=where.key(here),
            notes=["models are fitted against what a node offers them, and for CPUs no table can know it"],
            help=f"add `{'` and `'.join(examples[key] for key in missing)}`: what a node has to give",
            also=kind,
        )


def _gpu_pool(name: str, pool: Pool, where: Locator) -> Iterator[Diagnostic]:
    if pool.gpus_per_node == 0:
        path = ("pools", name, "gpusPerNode")
        message = f"pool `{name}` has accelerator {pool.accelerator} and no GPUs"
        advice = "write how many GPUs a node has, or `accelerator: cpu`"
        also = [(("pools", name, "accelerator"), "the GPU is named here")]
        yield where.report(Code.GPU_POOL_WITHOUT_GPUS, path, message, help=advice, also=also)
