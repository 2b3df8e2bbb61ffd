"""Where the rules draw the line: what is just valid stays so, and one step more is refused for the right reason."""

from __future__ import annotations

from typing import Any

import pytest
from stacks import ARCHITECTURE, GGUF, SAFETENSORS, SHA, codes, report, stack

Change = tuple[str, Any]

ONCE = {"storageClass": "nvme", "size": "1Ti", "readMiBps": 3000}
MANY = {**ONCE, "accessMode": "ReadWriteMany"}
CPU_POOL = {"accelerator": "cpu", "nodes": ["c1"], "nodeCpus": 8, "nodeMemory": "64Gi"}
GTX = {"accelerator": "gtx-1080-ti", "nodes": ["g1"]}
PART = {"sha256": SHA, "size": "1Gi"}


def model(**changes: Any) -> dict[str, Any]:
    """Another model on the pool of the stack."""
    weights = {"from": "s3://bucket/x/", "files": GGUF}
    return {"pool": "gpu", "context": 4096, "weights": weights, "architecture": ARCHITECTURE, **changes}


VALID: dict[str, list[Change]] = {
    "the stack as it is": [],
    "as many replicas as there are GPUs": [("models/m/replicas", {"max": 8})],
    "as many replicas as nodes hold": [("models/m/gpus", 3), ("models/m/replicas", {"max": 2})],
    "minimums that fill the pool": [("models/m/replicas", {"min": 4}), ("models/other", model(replicas={"min": 4}))],
    "a store that is just large enough": [("stores/share/size", "4Gi")],
    "loopback without anybody who asks for a key": [("cluster/baseUrl", "http://[::1]:8080")],
    "an address for all, behind a Gateway that asks": [
        ("cluster/baseUrl", "https://models.example"),
        ("cluster/gateway", {"authenticatedBy": "Envoy Gateway, by JWTs of login.example"}),
    ],
    "an address for all, and everybody let in by name": [
        ("cluster/baseUrl", "https://models.example"),
        ("cluster/gateway", {"authenticatedBy": "nobody"}),
    ],
    "one set of weights for two models": [("stores/share/size", "4Gi"), ("models/other", model())],
    "a volume for each team": [
        ("stores", {"share": {**MANY, "size": "4Gi"}}),
        ("teams/other", {}),
        ("models/m/team", "home"),
        (
            "models/other",
            model(
                team="other",
                weights={"from": "s3://bucket/other/", "files": {"n.gguf": {"sha256": SHA, "size": "4Gi"}}},
            ),
        ),
    ],
    "a volume of one node with one replica": [("stores", {"share": ONCE})],
    "a volume of one node with replicas on it": [
        ("stores", {"share": ONCE}),
        ("pools/gpu/nodes", ["n1"]),
        ("models/m/replicas", {"max": 4}),
    ],
    "two models on the nodes of one volume": [("stores", {"share": ONCE}), ("models/other", model())],
    "two teams that serve one name": [
        ("teams/other", {}),
        ("models/m/team", "home"),
        ("models/m/servedName", "qwen"),
        ("models/other", model(team="other", servedName="qwen")),
    ],
    "a split GGUF": [("models/m/weights/files", {f"m-0000{n}-of-00002.gguf": PART for n in (1, 2)})],
    "a split GGUF in a folder": [("models/m/weights/files", {f"q4/m-0000{n}-of-00002.gguf": PART for n in (1, 2)})],
    "files of a tokenizer beside a GGUF": [
        ("models/m/weights/files", {**GGUF, "tokenizer.json": PART, "README.md": PART})
    ],
    "safetensors for vLLM": [("models/m/weights/files", SAFETENSORS)],
    "vLLM on CPUs by name": [
        ("pools/cpu", CPU_POOL),
        ("models/m/pool", "cpu"),
        ("models/m/engine", "vllm"),
        ("models/m/weights/files", SAFETENSORS),
    ],
    "vLLM on a T4": [("pools/gpu/accelerator", "t4"), ("models/m/weights/files", SAFETENSORS)],
    "vLLM on an MI300X": [("pools/gpu/accelerator", "mi300x"), ("models/m/weights/files", SAFETENSORS)],
    "llama.cpp on a GTX 1080 Ti": [("pools/old", GTX), ("models/m/pool", "old"), ("models/m/context", 8192)],
    "fp8 weights on Ada": [("models/m/weights/files", SAFETENSORS), ("models/m/architecture/quantization", "fp8")],
    "an endpoint of Hugging Face's kind": [
        ("models/m/weights/from", "hf://org/repo"),
        ("models/m/weights/revision", "a" * 40),
        ("models/m/weights/endpoint", "https://hub.example"),
        ("models/m/weights/secretRef", "hub"),
    ],
    "a server of one model": [("servers", {"alone": {"models": ["m"]}})],
    "an image with a digest only": [("defaults", {"images": {"llama.cpp": f"ghcr.io/x/llama@sha256:{'a' * 64}"}})],
    "an image with tag and digest": [("defaults", {"images": {"stager": f"localhost:5000/s:1@sha256:{'a' * 64}"}})],
    "a model called vllm-something": [("models", {"vllm-small": model()})],
    "a name of forty characters": [("models", {"m" * 40: model()})],
}


@pytest.mark.parametrize("name", VALID)
def test_what_is_just_valid_is_not_refused(name: str) -> None:
    assert [each.message for each in report(stack(*VALID[name])).diagnostics] == []


REFUSED: dict[str, tuple[list[Change], list[str]]] = {
    "one replica more than GPUs": ([("models/m/replicas", {"max": 9})], ["SB0404"]),
    "one GPU too few for all": (
        [("models/m/replicas", {"min": 5}), ("models/other", model(replicas={"min": 4}))],
        ["SB0405"],
    ),
    "a store a byte too small": ([("stores/share/size", "4294967295B")], ["SB0502"]),
    "two sets in a store for one": (
        [
            ("stores/share/size", "4Gi"),
            (
                "models/other",
                model(weights={"from": "s3://bucket/other/", "files": {"n.gguf": {"sha256": SHA, "size": "4Gi"}}}),
            ),
        ],
        ["SB0502"],
    ),
    "a volume of one node for replicas on two": (
        [("stores", {"share": ONCE}), ("models/m/replicas", {"max": 2})],
        ["SB0503"],
    ),
    "vLLM below its floor, with what runs there": (
        [("pools/old", GTX), ("models/m/pool", "old"), ("models/m/weights/files", SAFETENSORS)],
        ["SB0601"],
    ),
    "mxfp4 before Ampere": (
        [
            ("pools/gpu/accelerator", "t4"),
            ("models/m/weights/files", SAFETENSORS),
            ("models/m/architecture/quantization", "mxfp4"),
        ],
        ["SB0602"],
    ),
    "a kind of GGUF that is none": ([("models/m/architecture/quantization", "awq")], ["SB0606"]),
    "both kinds of zero at once": (
        [
            ("models/m/tier", "hot"),
            ("models/m/replicas", {"min": 0, "max": 1}),
            ("models/other", model(tier="longTail", replicas={"min": 0, "max": 1})),
        ],
        ["SB0402", "SB0403"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_step_more_is_refused_for_its_reason(name: str) -> None:
    changes, expected = REFUSED[name]
    assert codes(*changes) == expected


def test_the_gtx_1080_ti_is_told_what_it_lacks_and_what_runs_on_it() -> None:
    (found,) = report(
        stack(("pools/old", GTX), ("models/m/pool", "old"), ("models/m/weights/files", SAFETENSORS))
    ).diagnostics
    said = " ".join((found.message, *found.notes, found.help or ""))
    for fact in ("7.5", "6.1", "sm_61", "no bf16", "no fast fp16", "engine: llama.cpp", "pool: gpu"):
        assert fact in said


def test_a_pool_that_is_wrong_keeps_its_models_from_being_judged_by_it() -> None:
    """One mistake, one report: what a pool offers is unknown while its block is wrong."""
    assert codes(("pools/gpu/accelerator", "l40"), ("models/m/gpus", 64)) == ["SB0205"]


def test_a_key_in_the_wrong_block_is_not_taken_for_absent() -> None:
    """`store` beside `weights`: the indent is wrong, so nothing is said of a store that nobody named."""
    assert codes(("stores/fast", ONCE), ("models/m/store", "share")) == ["SB0115"]


def test_defaults_that_are_wrong_are_reported_alone() -> None:
    assert codes(("defaults", {"tier": "warm"}), ("models/m/replicas", {"min": 0, "max": 1})) == ["SB0106"]


def test_a_fault_of_the_defaults_is_reported_once_for_all_models() -> None:
    others = [(f"models/n{number}", model()) for number in range(3)]
    assert codes(("defaults", {"replicas": {"min": 0, "max": 1}}), *others) == ["SB0403"]
