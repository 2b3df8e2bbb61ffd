"""Real Triton: two models and their ensemble in one server, by HTTP and gRPC; one word moves it to KServe."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy
import pytest
import tritonclient.grpc
import tritonclient.http
import yaml

from cluster import images
from cluster.embedded import seed
from examples.triton import make
from substrate.facts.engines import TRITON
from tests import triton_stacks
from tests.cluster.conftest import Embedded, eventually
from tests.e2e.harness import Project
from tests.registry import assert_known

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "kserve", "triton")]

NAMESPACE = "home"
PODS = ("pods", "--namespace", NAMESPACE, "--selector", f"substrate.dev/server={triton_stacks.SERVER}")
FLOWERS = {"setosa": (5.1, 3.5, 1.4, 0.2), "versicolor": (7.0, 3.2, 4.7, 1.4), "virginica": (6.3, 3.3, 6.0, 2.5)}
AT_ONCE = 64
FOUNDATION = "foundation: {}\n"
# What the second configuration leaves on the store until it is asked for: the ensemble, and one of its steps.
ON_DEMAND = ("iris", "iris-classify")


def staged(folder: Path) -> dict[str, dict[str, bytes]]:
    """The example's files by model, each as it lies in its version's folder."""
    make.make(folder)
    versions = {name: folder / name / "1" for name in ("iris-scale", "iris-classify")}
    return {name: {file.name: file.read_bytes() for file in path.iterdir()} for name, path in versions.items()}


@pytest.fixture(scope="module")
def project(foundations: Embedded, lab_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A stack with that server alone, up on the shared cluster; gone afterwards."""
    repository = tmp_path_factory.mktemp("repository")
    files = staged(repository)
    for name, each in files.items():
        for file in each:
            seed.upload(foundations.root, repository / name / "1" / file, f"{name}/{file}")
    write(lab_project, files)
    lab_project.up("local", "--no-ask")
    return lab_project


def write(project: Project, files: dict[str, dict[str, bytes]]) -> None:
    """The local stack with the example's models; their foundation is the stack's default, one word."""
    path = project.folder / "Pulumi.local.yaml"
    data = yaml.safe_load(path.read_text())
    config = data["config"]
    config["substrate:defaults"] |= {"foundation": "triton"}
    config["substrate:defaults"]["images"]["triton"] = images.reference("tritonserver")
    models = triton_stacks.flowers("cpu", files)
    # The newest that PyPI has, and below what the policy pack lets run: nothing but this machine reaches it.
    models["iris"]["exemptions"] = {"below-floor": "until 2999-12-31 no newer server of Triton is a package of PyPI"}
    for model in models.values():
        del model["foundation"]
        if "weights" in model:
            model["weights"]["endpoint"] = "http://s3.substrate-system.svc.cluster.local:8333"
    config["substrate:models"] = models
    config["substrate:servers"] = triton_stacks.servers()
    config["substrate:servers"][triton_stacks.SERVER]["cpus"] = 1
    path.write_text(yaml.safe_dump(data, sort_keys=False))


@pytest.fixture(scope="module")
def url(project: Project) -> str:
    return project.endpoints()["iris"].removeprefix("http://")


def asked(protocol: Any, model: str, tensor: str, *flowers: tuple[float, ...]) -> tuple[str, list[Any]]:
    rows = numpy.array(flowers, dtype=numpy.float32)
    given = protocol.InferInput(tensor, list(rows.shape), "FP32")
    given.set_data_from_numpy(rows)
    return model, [given]


def named(protocol: Any, address: str) -> list[str]:
    """What the ensemble takes the three flowers for."""
    answer = protocol.InferenceServerClient(address).infer(*asked(protocol, "iris", "measurements", *FLOWERS.values()))
    return [list(FLOWERS)[row] for row in answer.as_numpy("probabilities").argmax(axis=1)]


@contextmanager
def forwarded(project: Project, target: str, port: int) -> Iterator[str]:
    """A port inside the cluster as `host:port` here."""
    command = ["kubectl", "port-forward", "--namespace", NAMESPACE, target, f":{port}"]
    environment = dict(project.environment)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout
            found = re.search(r"127\.0\.0\.1:\d+", line := process.stdout.readline())
            assert found, line
            yield found[0]
        finally:
            process.terminate()


def pod(project: Project) -> dict[str, Any]:
    pods = [found for found in project.objects(*PODS) if "deletionTimestamp" not in found["metadata"]]
    (found,) = pods
    return found


def test_three_models_of_one_server_are_three_urls(project):
    endpoints = project.endpoints()
    kinds = project.output("endpointKinds")

    assert {url.rpartition("/")[2] for url in endpoints.values()} == {"iris", "iris-scale", "iris-classify"}
    assert set(kinds.values()) == {"kserve-v2"}
    assert len(project.objects(*PODS)) == 1


def test_ensemble_answers_http_at_its_url_and_grpc_at_its_service(project, url):
    assert eventually("the route answers", lambda: named(tritonclient.http, url)) == list(FLOWERS)
    with forwarded(project, "service/iris", 8001) as address:
        assert named(tritonclient.grpc, address) == list(FLOWERS)


def test_a_model_of_the_server_answers_at_its_own_url(project, url):
    address = project.endpoints()["iris-scale"].removeprefix("http://")
    client = tritonclient.http.InferenceServerClient(address)
    given = asked(tritonclient.http, "iris-scale", "measurements", FLOWERS["setosa"])
    answer = eventually("the Gateway knows the route", lambda: client.infer(*given))

    assert answer.as_numpy("scaled")[0] == pytest.approx([-0.90, 1.02, -1.34, -1.31], abs=0.01)


def test_requests_at_once_are_batched(project, url):
    wanted = asked(tritonclient.grpc, "iris", "measurements", FLOWERS["setosa"])
    name = pod(project)["metadata"]["name"]
    with forwarded(project, f"pod/{name}", 8002) as metrics, forwarded(project, "service/iris", 8001) as address:
        before = executions(metrics)
        client = tritonclient.grpc.InferenceServerClient(address)
        start = threading.Barrier(AT_ONCE)

        def ask(_: int) -> None:
            start.wait()
            client.infer(*wanted)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(ask, range(AT_ONCE)))
        after = executions(metrics)
        assert_known(page(metrics), TRITON)

    for model in ("iris-scale", "iris-classify"):
        assert 0 < after[model] - before.get(model, 0) <= AT_ONCE / 2, "executions of the model"


def page(address: str) -> str:
    with urlopen(f"http://{address}/metrics", timeout=30) as response:
        return str(response.read().decode())


def executions(address: str) -> dict[str, float]:
    counted = re.compile(r'^nv_inference_exec_count{model="([^"]+)",version="1"} (\S+)$', re.MULTILINE)
    found = counted.findall(page(address))
    return {model: float(value) for model, value in found}


def control(url: str, what: str, **headers: str) -> int:
    """What the server says to a client that would load or unload a model, with code of its own if it liked."""
    request = Request(f"http://{url}/v2/repository/models/{what}", b"{}", headers, method="POST")
    try:
        with urlopen(request, timeout=60) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code


def test_only_who_may_read_the_pod_may_load_models(project, url):
    assert control(url, "iris-scale/load") == 403
    assert control(url, "iris-scale/load", **{"substrate-pod": "guessed"}) == 403
    assert control(url, "iris-scale/load", **key(project)) == 200


def key(project: Project) -> dict[str, str]:
    """What only those know who may read the pod."""
    return {"substrate-pod": pod(project)["metadata"]["uid"]}


def test_repository_is_mounts_that_nobody_can_write(project):
    spec = pod(project)["spec"]
    (container,) = spec["containers"]
    repository = [mount for mount in container["volumeMounts"] if mount["mountPath"].startswith("/models/")]

    assert {mount["mountPath"] for mount in repository} == {
        f"/models/{model}/{part}" for model in triton_stacks.flowers("") for part in ("1", "config.pbtxt")
    }
    assert all(mount["readOnly"] for mount in repository)
    assert "initContainers" not in spec


def test_second_up_has_nothing_to_change(project):
    project.unchanged()


@pytest.fixture(scope="module")
def before(project: Project) -> str:
    """The pod's uid before its server got another configuration, and two models of the long tail."""
    found = str(pod(project)["metadata"]["uid"])
    project.edit("Pulumi.local.yaml", "maxQueueDelay: 5ms", "maxQueueDelay: 6ms")
    path = project.folder / "Pulumi.local.yaml"
    data = yaml.safe_load(path.read_text())
    for model in ON_DEMAND:
        data["config"]["substrate:models"][model]["triton"]["load"] = "onDemand"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    project.up("local", "--no-ask")
    return found


def test_another_configuration_rolls_the_pods_and_the_server_reads_it(project, url, before):
    assert pod(project)["metadata"]["uid"] != before

    def delay() -> int:
        said = tritonclient.http.InferenceServerClient(url).get_model_config("iris-scale")
        return int(said["dynamic_batching"]["max_queue_delay_microseconds"])

    # The Gateway goes on sending to the pod that drains for a moment.
    eventually("the new configuration answers", lambda: delay() == 6000)


def test_model_on_demand_is_away_but_for_the_time_that_who_may_read_the_pod_has_it_loaded(project, url, before):
    client = tritonclient.http.InferenceServerClient(url)

    def there() -> list[str]:
        return [model for model in ON_DEMAND if client.is_model_ready(model)]

    eventually("the pod before answers no more", lambda: not there())
    assert client.is_model_ready("iris-scale"), "the server is ready without them"
    assert control(url, "iris/load") == 403
    assert not there()

    assert control(url, "iris/load", **key(project)) == 200
    assert there() == list(ON_DEMAND), "an ensemble brings its own"
    assert named(tritonclient.http, url) == list(FLOWERS)

    for model in ON_DEMAND:
        control(url, f"{model}/unload", **key(project))
    eventually("they are away again", lambda: not there())
    assert client.is_model_ready("iris-scale")
    (status,) = pod(project)["status"]["containerStatuses"]
    assert (status["ready"], status["restartCount"]) == (True, 0)


def test_one_word_moves_the_server_to_kserve_and_the_same_request_to_the_same_url_answers(project, url):
    project.edit("Pulumi.local.yaml", FOUNDATION.format("triton"), FOUNDATION.format("kserve"))
    project.up("local", "--no-ask")
    found = pod(project)

    assert found["metadata"]["labels"]["serving.kserve.io/inferenceservice"] == f"{triton_stacks.SERVER}-kserve"
    assert project.endpoints()["iris"] == f"http://{url}"
    eventually("the new pod loads the ensemble", lambda: control(url, "iris/load", **key(project)) == 200)
    assert named(tritonclient.http, url) == list(FLOWERS)
    with forwarded(project, "service/iris", 8001) as address:
        assert named(tritonclient.grpc, address) == list(FLOWERS)
