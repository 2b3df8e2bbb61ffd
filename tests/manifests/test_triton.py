"""Triton's objects: a repository out of mounts, three ports, a name for each content, and the same pod on KServe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate.manifests import kserve, model, serving
from substrate.plan import ServerPlan
from tests import triton_stacks
from tests.stacks import document, plan_document, server


def planned(folder: Path, foundation: str = "triton", **iris: Any) -> ServerPlan:
    data = document("local")
    models = triton_stacks.flowers("cpu")
    for block in models.values():
        block["foundation"] = foundation
    models["iris-scale"]["triton"].update(iris)
    data["config"]["substrate:models"] = models
    data["config"]["substrate:servers"] = triton_stacks.servers()
    return server(plan_document(data, folder, "local"), triton_stacks.SERVER)


def container(one: ServerPlan) -> dict[str, Any]:
    found: dict[str, Any] = serving.container(one)
    return found


def test_repository_is_put_together_from_mounts_and_none_can_be_written(tmp_path: Path) -> None:
    one = planned(tmp_path)
    mounts = {mount["mountPath"]: mount for mount in container(one)["volumeMounts"]}
    digests = {each.name: each.weights.digest for each in one.models if each.weights}

    assert mounts["/models/iris-scale/1"] == {
        "name": "weights",
        "mountPath": "/models/iris-scale/1",
        "subPath": digests["iris-scale"],
        "readOnly": True,
    }
    assert mounts["/models/iris/1"]["name"] == "empty"
    assert mounts["/models/iris/config.pbtxt"]["subPath"] == "iris.pbtxt"
    assert {path for path, mount in mounts.items() if not mount.get("readOnly")} == {"/tmp", "/dev/shm"}
    names = {volume["name"] for volume in serving.volumes(one)}
    assert {mount["name"] for mount in mounts.values()} == names


def test_every_model_is_loaded_at_the_start_and_nothing_is_guessed(tmp_path: Path) -> None:
    args = container(planned(tmp_path))["args"]

    assert args[0] == "tritonserver"
    assert [arg for arg in args if arg.startswith("--load-model")] == [
        f"--load-model={name}" for name in ("iris", "iris-scale", "iris-classify")
    ]
    assert {"--model-control-mode=explicit", "--disable-auto-complete-config"} <= set(args)
    assert not any(arg.startswith("--strict-readiness") for arg in args)


def test_model_of_the_long_tail_is_not_loaded_and_leaves_the_server_ready(tmp_path: Path) -> None:
    args = container(planned(tmp_path, load="onDemand"))["args"]

    assert "--load-model=iris-scale" not in args
    assert "--strict-readiness=false" in args


def test_only_who_knows_the_pod_may_load_models(tmp_path: Path) -> None:
    found = container(planned(tmp_path))
    closed = [arg for arg in found["args"] if "restricted" in arg]

    assert len(closed) == 2
    for arg in closed:
        assert "model-repository" in arg
        assert arg.endswith(":substrate-pod=$(POD_UID)"), "Kubernetes puts the variable in"
    assert {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}} in found["env"]


def test_http_grpc_and_metrics_have_ports_and_the_service_of_each_model_the_first_two(tmp_path: Path) -> None:
    one = planned(tmp_path)
    ports = {port["name"]: port["containerPort"] for port in container(one)["ports"]}

    assert ports == {"http": 8000, "grpc": 8001, "metrics": 8002}
    for each in one.models:
        served = model.service(one, each)["spec"]["ports"]
        assert {port["name"]: (port["port"], port["targetPort"]) for port in served} == {
            "http": (80, "http"),
            "grpc": (8001, "grpc"),
        }


@pytest.mark.parametrize("change", [{"maxBatchSize": 64, "parameters": {"a": "b"}}, {"instances": 2}])
def test_another_configuration_is_another_object_that_the_pods_are_made_anew_for(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    before, after = planned(tmp_path), planned(tmp_path, **change)

    assert serving.config_name(before) != serving.config_name(after)
    assert serving.config_name(after) in str(serving.template(after))
    assert serving.config_name(before) == serving.config_name(planned(tmp_path))


def test_shared_memory_grows_with_the_python_processes_and_counts_as_memory(tmp_path: Path) -> None:
    before, after = planned(tmp_path), planned(tmp_path, instances=3)
    assert before.engine.shared_memory and after.engine.shared_memory

    assert after.engine.shared_memory == 2 * before.engine.shared_memory
    assert after.resources.memory - before.resources.memory == after.engine.shared_memory - before.engine.shared_memory


def test_grace_is_longer_than_the_wait_and_the_drain_together(tmp_path: Path) -> None:
    one = planned(tmp_path)
    (drain,) = (arg.partition("=")[2] for arg in one.engine.args if arg.startswith("--exit-timeout-secs"))
    sleep: Any = one.engine.pre_stop["sleep"]

    assert one.grace >= sleep["seconds"] + int(drain) + 5


def test_kserve_gets_the_same_container_and_repository(tmp_path: Path) -> None:
    one, on_kserve = planned(tmp_path), planned(tmp_path, "kserve")
    assert on_kserve.kserve
    predictor = kserve.inference_service(on_kserve, on_kserve.kserve)["spec"]["predictor"]
    wanted = container(one)

    digests = [each.weights.digest for each in on_kserve.models if each.weights]
    assert predictor["model"]["storageUri"] == f"pvc://{on_kserve.claim}/{digests[0]}", "or an agent would come too"
    for key in ("args", "env", "ports", "volumeMounts"):
        assert predictor["model"][key] == wanted[key], key
    volumes = {volume["name"] for volume in predictor["volumes"]}
    assert volumes == {mount["name"] for mount in wanted["volumeMounts"]}
    assert [each.url for each in one.models] == [each.url for each in on_kserve.models]
    assert {each.endpoint for each in on_kserve.models} == {"kserve-v2"}
