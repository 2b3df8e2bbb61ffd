"""Models of Triton's: what is refused, and how short a block may be."""

from __future__ import annotations

from typing import Any

import pytest
from stacks import catalog, codes, report, stack

from substrate.catalog import resolve
from substrate.catalog.triton import DataType
from tests import triton_stacks
from tests.triton_stacks import MADE_UP, MEASUREMENTS, PROBABILITIES, SCALED

Change = tuple[str, Any]
ONNX = {"model.onnx": {"sha256": MADE_UP, "size": "4Ki"}}


def server(*changes: Change) -> list[Change]:
    """The three models of the example in one server beside the other model, then changed."""
    blocks = [(f"models/{name}", block) for name, block in triton_stacks.flowers("gpu").items()]
    return [*blocks, ("servers", triton_stacks.servers()), *changes]


def alone(triton: dict[str, Any], files: dict[str, Any] = ONNX, **more: Any) -> Change:
    weights = {"from": "s3://models/a/", "files": files}
    return "models/a", {"pool": "gpu", "foundation": "triton", "weights": weights, "triton": triton, **more}


def test_the_example_is_valid_and_needs_no_context_no_architecture_and_no_engine() -> None:
    assert codes(*server()) == []
    assert codes(alone(triton_stacks.onnx(8))) == []


def test_engine_follows_from_the_foundation_or_from_the_block() -> None:
    on_triton = catalog(alone(triton_stacks.onnx(0)), ("defaults", {"engine": "llama.cpp"}))
    on_kserve = catalog(alone(triton_stacks.onnx(0), foundation="kserve"))

    assert resolve.engine_of(on_triton, "a") == resolve.engine_of(on_kserve, "a") == "triton"
    assert resolve.engine_of(on_triton, "m") == "llama.cpp"


@pytest.mark.parametrize("data_type", DataType)
def test_every_type_of_the_protocol_is_a_choice(data_type: DataType) -> None:
    tensor = {"name": "x", "dataType": str(data_type), "dims": [-1, 4]}
    assert codes(alone({"backend": "onnxruntime", "inputs": [tensor], "outputs": [tensor]})) == []


IRIS, SCALE = "models/iris/triton", "models/iris-scale/triton"
STEPS = f"{IRIS}/ensemble/steps"


def steps(first: dict[str, Any], second: dict[str, Any] | None = None) -> Change:
    return STEPS, [{"model": "iris-scale", **first}, {"model": "iris-classify", **(second or {})}]


WRONG: dict[str, tuple[list[Change], list[str]]] = {
    "no block": ([("models/iris-scale/triton", None)], ["SB1201"]),
    "another engine": ([("models/m/foundation", "triton"), ("models/m/engine", "llama.cpp")], ["SB1202"]),
    "triton on plain": (
        [("models/m/engine", "triton"), ("models/m/triton", triton_stacks.onnx(8))],
        ["SB1202", "SB1204"],
    ),
    "backend and ensemble": ([(f"{IRIS}/backend", "python")], ["SB1203", "SB1205"]),
    "neither": ([(f"{IRIS}/ensemble", None)], ["SB1203"]),
    "an ensemble's instances": ([(f"{IRIS}/instances", 2)], ["SB0801"]),
    "an ensemble's weights": ([("models/iris/weights", triton_stacks.weights("iris"))], ["SB0801"]),
    "no model.py": ([("models/iris-scale/weights/files", ONNX)], ["SB1204"]),
    "python without permission": ([("models/iris-scale/permissions", None)], ["SB1205"]),
    "a step elsewhere": ([(STEPS, [{"model": "m"}, {"model": "iris-classify"}])], ["SB1206"]),
    "a step that is nowhere": ([(STEPS, [{"model": "iris-scal"}, {"model": "iris-classify"}])], ["SB1206"]),
    "a step that is itself": ([(STEPS, [{"model": "iris"}, {"model": "iris-classify"}])], ["SB1206"]),
    "input of no model's": ([steps({"inputMap": {"lengths": "measurements"}})], ["SB1207"]),
    "input that gets nothing": ([steps({"inputMap": {}})], ["SB1207"]),
    "output of no model's": ([steps({"outputMap": {"scales": "scaled"}})], ["SB1207"]),
    "tensor that nothing makes": ([steps({"outputMap": {"scaled": "other"}})], ["SB1207"]),
    "output that nothing makes": ([steps({}, {"outputMap": {"probabilities": "p"}})], ["SB1207"]),
    "input that nobody reads": ([steps({"inputMap": {"measurements": "scaled"}})], ["SB1207"]),
    "tensor made twice": ([steps({}, {"outputMap": {"probabilities": "scaled"}})], ["SB1207", "SB1208", "SB1209"]),
    "two inputs of a name": ([(f"{SCALE}/inputs", [MEASUREMENTS, MEASUREMENTS])], ["SB1208"]),
    "no length": ([(f"{SCALE}/inputs", [{**MEASUREMENTS, "dims": [0]}])], ["SB1209"]),
    "another length": ([(f"{SCALE}/outputs", [{**SCALED, "dims": [5]}])], ["SB1209"]),
    "another type": ([(f"{IRIS}/outputs", [{**PROBABILITIES, "dataType": "FP64"}])], ["SB1209"]),
    "batches of none": ([(f"{SCALE}/maxBatchSize", 0)], ["SB1210"]),
    "batches larger than a step's": ([(f"{IRIS}/maxBatchSize", 65)], ["SB1210", "SB1210"]),
    "sizes beyond the largest": ([(f"{SCALE}/dynamicBatching/preferredBatchSizes", [8, 65])], ["SB1210"]),
    "a name that is no folder": ([("models/iris-scale/servedName", "flowers/scale")], ["SB0608"]),
    "a permission without effect": ([("models/iris/permissions", ["trust-remote-code"])], ["SB0801"]),
    "a block for another engine": (
        [("models/m/triton", triton_stacks.onnx(8)), ("models/m/engine", "llama.cpp")],
        ["SB0801"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_refused(name: str) -> None:
    changes, expected = WRONG[name]
    assert sorted(codes(*server(*changes))) == expected


def test_an_ensemble_that_leads_back_to_itself_is_refused() -> None:
    def ensemble(of: str) -> dict[str, Any]:
        tensors = {"inputs": [SCALED], "outputs": [SCALED]}
        return triton_stacks.model("gpu", ensemble={"steps": [{"model": of}]}, **tensors)

    ring = [("models/a", ensemble("b")), ("models/b", ensemble("a")), ("servers", {"ring": {"models": ["a", "b"]}})]
    assert "SB1211" in codes(*ring)


def test_several_models_share_triton_on_kserve_too_but_not_in_knative_mode() -> None:
    words = [(f"models/{name}/foundation", "kserve") for name in triton_stacks.flowers("gpu")]
    knative = ("models/iris/kserve", {"mode": "Knative"})
    gateway = ("cluster/knativeGateway", {"service": "kourier", "namespace": "kourier-system"})

    assert codes(*server(*words)) == []
    assert codes(*server(*words, knative, gateway)) == ["SB0803"]


def test_a_gpu_that_is_too_old_is_answered_with_a_pool_and_no_engine_for_llms() -> None:
    pascal = ("pools/old", {"accelerator": "gtx-1080-ti", "nodes": ["o1"], "gpusPerNode": 1})
    (found,) = report(stack(pascal, alone(triton_stacks.onnx(8), pool="old"))).diagnostics
    assert (found.code, found.help) == ("SB0601", "write `pool: gpu`, where it runs")


def sized(size: str, **more: Any) -> dict[str, Any]:
    _, block = alone(triton_stacks.onnx(8, **more), {"model.onnx": {"sha256": MADE_UP, "size": size}})
    found: dict[str, Any] = block
    return found


def test_models_that_are_loaded_together_fit_together_and_the_long_tail_is_not_counted() -> None:
    """An l40s has 45 GiB: two models of 30 GiB are one too many."""
    both = ("servers", {"two": {"models": ["a", "b"]}})
    assert codes(("models/a", sized("20Gi")), ("models/b", sized("20Gi")), both) == []
    assert codes(("models/a", sized("30Gi")), ("models/b", sized("30Gi")), both) == ["SB0603"]
    assert codes(("models/a", sized("30Gi")), ("models/b", sized("30Gi", load="onDemand")), both) == []


def test_a_step_elsewhere_is_told_the_server_to_write() -> None:
    (found,) = report(stack(*server((STEPS, [{"model": "m"}, {"model": "iris-classify"}])))).diagnostics
    assert found.help and "flowers: {models: [iris, m]}" in found.help


def test_a_file_of_code_is_for_tritons_python_backend_and_no_other_engine() -> None:
    code = {"model.py": {"sha256": MADE_UP, "size": "4Ki"}}
    assert codes(("models/m/weights/files", code)) == ["SB0119"]
    assert codes(alone(triton_stacks.onnx(8), {**ONNX, "model.so": code["model.py"]})) == ["SB0119"]
