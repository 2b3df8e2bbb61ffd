"""Many plans of one engine, made the whole way from a stack file. Imports the tests' stacks and what they import."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import cycle, product
from pathlib import Path
from typing import Any

from substrate.plan import ServerPlan
from tests import triton_stacks
from tests.stacks import STACKS, plan_document, plan_of

A, B, C = ("a1" * 32, "b2" * 32, "c3" * 32)
GGUF = ({"model.gguf": A}, {"q4/weights v2.gguf": A}, {"tokenizer.json": B, "Qwen2.5-7B.Q4_K_M.gguf": A})
PARTS = {"m-00001-of-00002.gguf": A, "m-00002-of-00002.gguf": B}
SAFETENSORS = (
    {"config.json": A, "model.safetensors": B},
    {"config.json": A, "model-00001-of-00002.safetensors": B, "model-00002-of-00002.safetensors": C},
)
FILES = {
    "llama.cpp": (*GGUF, PARTS),
    "ollama": GGUF,
    "vllm": SAFETENSORS,
    "tgi": SAFETENSORS,
    "nim": SAFETENSORS,
    "triton": ({"model.onnx": A},),
}
FOUNDATIONS = {
    "llama.cpp": ("plain", "kserve"),
    "vllm": ("plain", "kserve"),
    "ollama": ("plain",),
    "tgi": ("plain",),
    "nim": ("plain",),
    "triton": ("triton", "kserve"),
}
# What a model of these engines says beside.
BLOCKS: dict[str, dict[str, Any]] = {
    "nim": {"nim": {"image": "nvcr.io/nim/org/model:2.0.1", "secretRef": "ngc-key", "pullSecretRef": "ngc-pull"}},
    "triton": {"triton": triton_stacks.onnx(8, dynamicBatching={})},
}
# NVIDIA's own server runs on nothing else.
OF_NVIDIA = ("t4", "l4", "l40s", "a100-80gb", "b200")
CONTEXTS = (2, 512, 4096, 8191, 16384, 32768, 131072, 1048576)
PARALLEL = (1, 2, 4, 16, 256)
# Pool and GPUs of a replica.
HARDWARE = (("cores", 0), ("t4", 1), ("l4", 1), ("l40s", 4), ("a100-80gb", 8), ("b200", 2), ("mi300x", 2))
NAMES = ("qwen2.5-7b-instruct", "m", "Llama-3.1_8B.v2", "x" * 80)


def document(engine: str) -> dict[str, Any]:
    """A stack with a model for each of several hundred combinations. Every pool has room for all of its models."""
    pools: dict[str, Any] = {
        pool: {"accelerator": pool, "nodes": [f"{pool}-{number}" for number in range(200)], "gpusPerNode": 8}
        for pool, gpus in HARDWARE
        if gpus
    }
    nodes = [f"cores-{number}" for number in range(200)]
    pools["cores"] = {"accelerator": "cpu", "nodes": nodes, "nodeCpus": 64, "nodeMemory": "900Gi"}
    sections = {
        "cluster": {"context": "test", "baseUrl": "http://127.0.0.1:8080"},
        "pools": pools,
        "stores": {"share": {"nfs": {"server": "s", "path": "/m"}, "size": "900Ti", "readMiBps": 100}},
        "teams": {"home": {}},
        "models": dict(_models(engine)),
    }
    return {"config": {f"substrate:{key}": value for key, value in sections.items()}}


def _models(engine: str) -> Iterator[tuple[str, dict[str, Any]]]:
    others = zip(cycle(FILES[engine]), cycle(NAMES), strict=False)
    hardware = [each for each in HARDWARE if engine != "nim" or each[0] in OF_NVIDIA]
    table = product(CONTEXTS, PARALLEL, hardware, FOUNDATIONS[engine])
    for number, ((context, parallel, (pool, gpus), foundation), (files, name)) in enumerate(zip(table, others)):  # noqa: B905
        yield (
            f"m{number:03}",
            {
                "engine": engine,
                "foundation": foundation,
                "pool": pool,
                "context": context,
                "parallel": parallel,
                # A served name is a team's only once, and the longest has no room for more.
                "servedName": f"{name[:76]}-{number}",
                **triton_stacks.apart(BLOCKS.get(engine, {})),
                **({"gpus": gpus} if gpus else {"cpus": 1 + number % 16}),
                "weights": {"from": f"s3://bucket/m{number}/", "files": _sized(files, number)},
            },
        )


def _sized(files: dict[str, str], number: int) -> dict[str, Any]:
    """The files with digests of this model's own, so that no two models share a set."""
    return {path: {"sha256": f"{number:04x}{digest[4:]}", "size": "100Mi"} for path, digest in files.items()}


@cache
def generated(engine: str) -> tuple[ServerPlan, ...]:
    """At least 200 plans of one engine."""
    with tempfile.TemporaryDirectory() as folder:
        servers = plan_document(document(engine), Path(folder), "generated").servers
    assert len(servers) >= 200
    return servers


def shipped(engine: str) -> tuple[ServerPlan, ...]:
    """The plans of one engine over the stacks that are shipped."""
    return tuple(server for stack in STACKS for server in plan_of(stack).servers if server.engine.name == engine)
