"""Configurations that plans make, told to the real Triton: its parser and its core take them, and refuse worse ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from cluster import tools
from substrate.catalog.triton import Backend, DataType
from substrate.plan import ServerPlan
from tests import triton_stacks
from tests.cluster.triton_models import verdicts, write
from tests.stacks import document, plan_document, server

FILES = {Backend.PYTHON: "model.py", Backend.TENSORRT: "model.plan", Backend.VLLM: "model.json"}
ODD = {"quotes": 'say "no"', "slash": "a\\b", "letters": "ü 漢 🜚", "empty": ""}
BATCHING: tuple[dict[str, Any] | None, ...] = (
    None,
    {},
    {"maxQueueDelay": "5ms"},
    {"preferredBatchSizes": [4, 8], "maxQueueDelay": "1s", "maxQueueSize": 7},
)


def blocks() -> dict[str, dict[str, Any]]:
    """Models of one server: every backend, data type and way of batching, and ensembles of them."""
    found: dict[str, dict[str, Any]] = {}
    for number, backend in enumerate(Backend):
        batching = BATCHING[number % len(BATCHING)]
        more = {} if batching is None else {"dynamicBatching": batching}
        block = {**triton_stacks.onnx(8, instances=1 + number, parameters=ODD, **more), "backend": str(backend)}
        found[f"of-{backend}"] = _model(
            block, FILES.get(backend, "model.onnx" if number == 0 else "model.txt"), backend
        )
    for data_type in DataType:
        tensor = {"name": "x", "dataType": str(data_type), "dims": [-1, 4]}
        block = {"backend": "onnxruntime", "inputs": [tensor], "outputs": [tensor]}
        found[f"type-{data_type.lower()}"] = _model(block, "model.onnx", Backend.ONNXRUNTIME)
    return {**found, **triton_stacks.flowers("cpu"), "renamed": _renamed()}


def _model(block: dict[str, Any], file: str, backend: Backend) -> dict[str, Any]:
    files = {file: {"sha256": triton_stacks.MADE_UP, "size": "4Ki"}}
    permissions = {"permissions": ["trust-remote-code"]} if backend is Backend.PYTHON else {}
    return {**triton_stacks.model("cpu", **block), "weights": {"from": "s3://models/x/", "files": files}, **permissions}


def _renamed() -> dict[str, Any]:
    """An ensemble whose tensors have other names than its models'."""
    steps = [
        {"model": "iris-scale", "inputMap": {"measurements": "given"}, "outputMap": {"scaled": "inner"}},
        {"model": "iris-classify", "inputMap": {"scaled": "inner"}, "outputMap": {"probabilities": "found"}},
    ]
    given, found = ({**triton_stacks.MEASUREMENTS, "name": "given"}, {**triton_stacks.PROBABILITIES, "name": "found"})
    return triton_stacks.model("cpu", ensemble={"steps": steps}, maxBatchSize=32, inputs=[given], outputs=[found])


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> ServerPlan:
    data = document("local")
    data["config"]["substrate:models"] = triton_stacks.apart(blocks())
    data["config"]["substrate:servers"] = triton_stacks.servers(*blocks())
    data["config"]["substrate:pools"]["cpu"]["nodeMemory"] = "64Gi"
    return server(plan_document(data, tmp_path_factory.mktemp("stack"), "local"), triton_stacks.SERVER)


def repository(planned: ServerPlan, folder: Path) -> Path:
    """The repository as the pod's mounts put it together."""
    for model in planned.models:
        weights = {f"1/{file.path}": "" for file in model.weights.files} if model.weights else {}
        write(folder, model.served_name, planned.engine.files[f"{model.served_name}.pbtxt"], weights)
        (folder / model.served_name / "1").mkdir(exist_ok=True)
    return folder


def test_protobuf_reads_every_planned_configuration_as_what_was_asked_for(planned: ServerPlan) -> None:
    for model in planned.models:
        assert model.triton
        read = text_format.Parse(planned.engine.files[f"{model.served_name}.pbtxt"], model_config_pb2.ModelConfig())

        assert (read.name, read.max_batch_size) == (model.served_name, model.triton.max_batch_size)
        assert [each.name for each in read.input] == [each.name for each in model.triton.inputs]
        assert {key: value.string_value for key, value in read.parameters.items()} == model.triton.parameters
        assert read.HasField("dynamic_batching") == (model.triton.batching is not None)
        assert [step.model_name for step in read.ensemble_scheduling.step] == [s.model for s in model.triton.steps]


@pytest.mark.engine
def test_the_real_server_takes_every_planned_configuration_as_far_as_its_backend(
    planned: ServerPlan, tmp_path: Path
) -> None:
    tools.ensure(["tritonserver"])
    found = verdicts(repository(planned, tmp_path / "repository"), tmp_path / "log")

    for model in planned.models:
        assert model.triton
        wanted = f"backend library for backend '{model.triton.backend}'" if model.triton.backend else "depends on"
        assert wanted in found[model.served_name], model.name
