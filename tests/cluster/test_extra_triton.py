"""The extra `triton`: the real server answers, batches, loads and unloads in a pod that Pod Security restricts."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy
import pytest
import tritonclient.grpc
import tritonclient.http
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from cluster import images, tools
from substrate.facts.engines import TRITON
from tests.cluster import triton_models as models
from tests.cluster.conftest import Embedded, eventually, wait_ready
from tests.registry import assert_known

TEAM = "triton"
AT_ONCE = 64
IN_FLIGHT = 3  # requests of two seconds each, one at a time: one waits for four


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.repository(tmp_path_factory.mktemp("triton") / "flowers")


@pytest.fixture(scope="module")
def cluster(foundations: Embedded, repository: Path) -> Iterator[Embedded]:
    """The shared cluster with the repository on a claim in a restricted namespace, gone afterwards."""
    with foundations.namespaces(TEAM):
        models.fill(foundations, TEAM, repository)
        yield foundations


@pytest.fixture(scope="module")
def served(cluster: Embedded, repository: Path) -> Iterator[dict[str, str]]:
    """The addresses of a server that loads what it is told to."""
    arguments = ("--model-control-mode=explicit", "--load-model=iris", "--load-model=slow")
    cluster.apply(models.server_pod("server", TEAM, repository.name, *arguments))
    wait_ready(cluster, TEAM, "server")
    with models.forwarded(cluster, TEAM, "server") as addresses:
        yield addresses


def asked(protocol: Any, model: str, flowers: Sequence[Sequence[float]]) -> tuple[str, list[Any]]:
    """The model's name and its inputs, as tritonclient takes them; `protocol` is its module."""
    rows = numpy.array(flowers, dtype=numpy.float32)
    tensor = protocol.InferInput("measurements", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows)
    return model, [tensor]


def probabilities(protocol: Any, address: str, *flowers: Sequence[float]) -> Any:
    client = protocol.InferenceServerClient(address)
    return client.infer(*asked(protocol, "iris", flowers)).as_numpy("probabilities")


@pytest.mark.cluster
@pytest.mark.extras("triton")
@pytest.mark.parametrize("port", ["http", "grpc"])
def test_ensemble_of_a_python_and_an_onnx_model_knows_the_flowers(served, port):
    protocol = {"http": tritonclient.http, "grpc": tritonclient.grpc}[port]
    answer = probabilities(protocol, served[port], *models.FLOWERS.values())

    assert [models.SPECIES[row] for row in answer.argmax(axis=1)] == list(models.FLOWERS)
    assert answer.sum(axis=1) == pytest.approx([1, 1, 1])
    assert answer[1] == pytest.approx([0.0047, 0.8650, 0.1302], abs=1e-3), "what scikit-learn says of versicolor"


@pytest.mark.cluster
@pytest.mark.extras("triton")
def test_image_holds_the_version_that_its_tag_says(served):
    said = tritonclient.http.InferenceServerClient(served["http"]).get_server_metadata()

    assert images.reference("tritonserver") == f"substrate.local/tritonserver:{said['version']}"


@pytest.mark.cluster
@pytest.mark.extras("triton")
def test_requests_at_once_are_run_in_few_batches(served):
    client = tritonclient.grpc.InferenceServerClient(served["grpc"])
    wanted = asked(tritonclient.grpc, "iris", [models.FLOWERS["setosa"]])
    names = ("nv_inference_request_success", "nv_inference_exec_count")
    before = [models.counters(served["metrics"], name) for name in names]
    start = threading.Barrier(AT_ONCE)

    def ask(_: int) -> None:
        start.wait()
        client.infer(*wanted)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, range(AT_ONCE)))
    answered, ran = ([models.counters(served["metrics"], name), old] for name, old in zip(names, before, strict=True))

    for model in ("iris-scale", "iris-classify"):
        assert answered[0][model] - answered[1][model] == AT_ONCE
        assert 0 < ran[0][model] - ran[1][model] <= AT_ONCE / 2, "executions of the model"


@pytest.mark.cluster
@pytest.mark.extras("triton")
def test_metrics_are_those_that_dashboards_and_scaling_read(served):
    said = models.metrics(served["metrics"])
    wanted = (
        "nv_inference_request_success",
        "nv_inference_request_failure",
        "nv_inference_count",
        "nv_inference_exec_count",
        "nv_inference_request_duration_us",
        "nv_inference_queue_duration_us",
        "nv_inference_compute_infer_duration_us",
        "nv_inference_pending_request_count",
    )

    assert [name for name in wanted if f"# TYPE {name} " not in said] == []
    assert_known(said, TRITON)


@pytest.mark.cluster
@pytest.mark.extras("triton")
def test_model_is_unloaded_and_loaded_by_name_while_another_serves(served):
    client = tritonclient.grpc.InferenceServerClient(served["grpc"])
    states = {model.name: model.state for model in client.get_model_repository_index().models}
    assert states == dict.fromkeys(("iris", "iris-classify", "iris-scale", "slow"), "READY"), (
        "an ensemble brings its own"
    )

    client.unload_model("slow")
    eventually("slow is gone", lambda: not client.is_model_ready("slow"))
    assert client.is_model_ready("iris")
    assert probabilities(tritonclient.grpc, served["grpc"], models.FLOWERS["virginica"]).argmax() == 2
    # While it unloads, the whole server says that it is not ready: a pod would leave its Service.
    eventually("the server is ready again", client.is_server_ready)
    client.load_model("slow")
    assert client.is_model_ready("slow")


@pytest.mark.cluster
@pytest.mark.extras("triton")
def test_requests_in_flight_and_in_the_queue_are_answered_after_their_pod_was_deleted(cluster, served, repository):
    arguments = ("--model-control-mode=explicit", "--load-model=slow")
    cluster.apply(models.server_pod("ends", TEAM, repository.name, *arguments))
    wait_ready(cluster, TEAM, "ends")
    wanted = asked(tritonclient.http, "slow", [models.FLOWERS["setosa"]])
    with models.forwarded(cluster, TEAM, "ends") as addresses, ThreadPoolExecutor(IN_FLIGHT) as pool:

        def answer(_: int) -> Any:
            # A connection that stays open would hold the server up until --exit-timeout-secs.
            with closing(tritonclient.http.InferenceServerClient(addresses["http"])) as client:
                return client.infer(*wanted).as_numpy("scaled").shape

        answers = pool.map(answer, range(IN_FLIGHT))
        waiting = "nv_inference_pending_request_count"
        eventually("one runs, some wait", lambda: models.counters(addresses["metrics"], waiting)["slow"] >= 1)
        cluster.kubectl("delete", "pod", "ends", "-n", TEAM, "--wait=false")

        assert list(answers) == [(1, 4)] * IN_FLIGHT
    eventually("the pod is gone", lambda: not cluster.kubectl("get", "pod", "ends", "-n", TEAM, "--ignore-not-found"))


@pytest.mark.cluster
@pytest.mark.extras("triton")
def test_repository_put_together_from_mounts_is_served(cluster, repository):
    configurations = models.configurations("configurations", TEAM, repository)
    cluster.apply(configurations, models.mounted_pod("mounted", TEAM, repository.name, "configurations"))
    wait_ready(cluster, TEAM, "mounted")
    with models.forwarded(cluster, TEAM, "mounted") as addresses:
        answer = probabilities(tritonclient.grpc, addresses["grpc"], models.FLOWERS["versicolor"])

    assert models.SPECIES[answer.argmax()] == "versicolor"


@pytest.mark.cluster
@pytest.mark.extras("triton")
def test_server_whose_configuration_is_wrong_ends_with_the_reason(cluster, repository):
    wrong = configurations_with(repository, "iris-scale", "max_batch_size: 64", "max_batchsize: 64")
    broken = models.mounted_pod("broken", TEAM, repository.name, "wrong")
    cluster.apply(wrong, broken)
    code, log = models.stopped_by_itself(cluster, TEAM, "broken")

    assert code == 1
    assert 'Message type "inference.ModelConfig" has no field named "max_batchsize"' in log
    assert "error: creating server: Internal - failed to load all models" in log


def configurations_with(repository: Path, model: str, old: str, new: str) -> dict[str, Any]:
    made = models.configurations("wrong", TEAM, repository)
    assert old in made["data"][model]
    made["data"][model] = made["data"][model].replace(old, new)
    return made


# --- the parser, on the host --------------------------------------------------------------------------------------

FILES = {"onnxruntime": "model.onnx", "tensorrt": "model.plan", "pytorch": "model.pt", "vllm": "model.json"}
MISTAKES = {  # in the configuration, and what the real parser says
    "dynamic_batchin { }": 'Message type "inference.ModelConfig" has no field named "dynamic_batchin"',
    'max_batch_size: "8"': 'Expected integer, got: "8"',
    "dynamic_batching { preferred_batch_size: [ 99 ] }": "dynamic batching preferred size must be <= max batch size",
    "instance_group [ { kind: KIND_NPU } ]": 'Unknown enumeration value of "KIND_NPU" for field "kind"',
}


def configuration(name: str, backend: str, more: str) -> str:
    batch = "" if "max_batch_size" in more else "max_batch_size: 8\n"
    return f'name: "{name}"\nbackend: "{backend}"\n{batch}{more}\n'


@pytest.mark.engine
def test_real_parser_judges_configurations_of_backends_that_are_not_here(tmp_path):
    tools.ensure(["tritonserver"])
    folder, expected = tmp_path / "repository", {}
    for backend, file in FILES.items():
        for number, (more, said) in enumerate([("dynamic_batching { }", ""), *MISTAKES.items()]):
            name = f"{backend}-{number}"
            models.write(folder, name, configuration(name, backend, more), {f"1/{file}": ""})
            expected[name] = said or f"unable to find backend library for backend '{backend}'"
    found = models.verdicts(folder, tmp_path / "log")

    assert {name: expected[name] for name, said in found.items() if expected[name] not in said} == {}
    assert len(found) == len(FILES) * (1 + len(MISTAKES))
    # One who mistypes is told so; only a configuration that is right gets as far as its backend.
    assert {name for name, said in found.items() if "unable to find backend" in said} == {f"{one}-0" for one in FILES}


@pytest.mark.engine
def test_example_is_what_protobuf_and_the_real_parser_take(repository, tmp_path):
    tools.ensure(["tritonserver"])
    for file in repository.glob("*/config.pbtxt"):
        assert text_format.Parse(file.read_text(), model_config_pb2.ModelConfig()).name == file.parent.name
    said = models.verdicts(repository, tmp_path / "log")

    for model in ("iris-scale", "iris-classify", "slow"):
        assert "unable to find backend library for backend 'python'" in said[model]
