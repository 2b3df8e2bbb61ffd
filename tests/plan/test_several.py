"""Servers of several models: one workload, and a face for each model. Plans made the whole way from a stack file."""

from __future__ import annotations

import configparser
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from substrate.catalog import check
from substrate.catalog.codes import Code
from substrate.manifests import model, serving
from substrate.plan import ServerPlan, StackPlan
from tests.stacks import document, plan_document, server, unscaled

FIRST, SECOND = "smollm2-135m", "smollm2-twin"


def pair(**changes: Any) -> dict[str, Any]:
    """The local stack with its model twice, in one server of one core."""
    data = unscaled("local")
    models = data["config"]["substrate:models"]
    cpus = models[FIRST].pop("cpus")
    models[SECOND] = {**deepcopy(models[FIRST]), "servedName": "twin", **changes}
    data["config"]["substrate:servers"] = {"small": {"models": [FIRST, SECOND], "cpus": cpus}}
    return data


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> StackPlan:
    return plan_document(pair(), tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def small(plan: StackPlan) -> ServerPlan:
    return server(plan, "small")


def presets(small: ServerPlan) -> configparser.ConfigParser:
    read = configparser.ConfigParser()
    read.read_string("[router]\n" + small.engine.files["presets.ini"])
    return read


def test_two_models_make_one_workload(plan: StackPlan, small: ServerPlan) -> None:
    assert [each.name for each in plan.servers] == ["small"]
    assert [each.name for each in small.models] == [FIRST, SECOND]
    assert serving.deployment(small)["metadata"]["name"] == "small-plain"


def test_each_model_keeps_its_own_service_and_url(small: ServerPlan) -> None:
    budget, *faces = model.faces(small)
    services = [each for each in faces if each["kind"] == "Service"]
    prefixes = [
        each["spec"]["rules"][0]["matches"][0]["path"]["value"] for each in faces if each["kind"] == "HTTPRoute"
    ]
    template = serving.template(small)["metadata"]["labels"]
    assert [each["metadata"]["name"] for each in services] == [FIRST, SECOND]
    assert [each.url.rpartition("/")[2] for each in small.models] == [FIRST, SECOND]
    assert prefixes == [f"/{FIRST}", f"/{SECOND}"]
    assert all(each["spec"]["selector"].items() <= template.items() for each in services)
    assert budget["kind"] == "PodDisruptionBudget", "two on the same pods would stop every drain"


def test_router_is_told_of_each_model_what_it_would_be_told_alone(small: ServerPlan) -> None:
    told = presets(small)
    assert told.sections()[1:] == ["smollm2-135m-instruct", "twin"]
    assert told["twin"]["model"] == f"/models/{SECOND}/model.gguf"
    assert told["twin"]["ctx-size"] == "4096", "2048 tokens for each of 2 requests"
    assert told["twin"]["load-on-startup"] == "true"


def test_every_models_weights_lie_in_a_folder_of_its_own_read_only(small: ServerPlan) -> None:
    mounts = [mount for mount in serving.mounts(small) if mount["name"] == serving.WEIGHTS]
    assert [mount["mountPath"] for mount in mounts] == [f"/models/{FIRST}", f"/models/{SECOND}"]
    assert all(mount["readOnly"] for mount in mounts)


def test_another_preset_is_another_config_map_so_that_the_pods_roll(small: ServerPlan, tmp_path: Path) -> None:
    other = server(plan_document(pair(context=1024), tmp_path), "small")
    (one,), (two,) = serving.config_maps(small), serving.config_maps(other)
    assert one["data"] != two["data"]
    assert one["metadata"]["name"] != two["metadata"]["name"]
    mounted = next(each for each in serving.volumes(small) if each["name"] == serving.CONFIG)
    assert mounted["configMap"]["name"] == one["metadata"]["name"]


def test_memory_holds_both_models(small: ServerPlan, tmp_path: Path) -> None:
    alone = server(plan_document(document("local"), tmp_path), FIRST)
    assert small.resources.memory >= 2 * alone.resources.memory - 1024**2


def test_router_holds_as_many_as_fit_and_says_so(tmp_path: Path) -> None:
    """Each takes some 0.9 GiB with its overhead: in 1 GiB one is there, the other waits for its turn."""
    data = pair()
    data["config"]["substrate:pools"]["cpu"]["nodeMemory"] = "1Gi"
    tight = server(plan_document(data, tmp_path), "small")
    told = presets(tight)
    assert tight.engine.args[tight.engine.args.index("--models-max") + 1] == "1"
    assert [told[name]["load-on-startup"] for name in told.sections()[1:]] == ["true", "false"]
    found = check(tmp_path / "Pulumi.changed.yaml").diagnostics
    assert [each.code for each in found] == [Code.SERVER_SWAPS]


def test_a_model_alone_has_the_objects_that_it_always_had(tmp_path: Path) -> None:
    alone = server(plan_document(document("local"), tmp_path), FIRST)
    assert serving.deployment(alone)["spec"]["selector"]["matchLabels"] == {"substrate.dev/model": FIRST}
    assert serving.mounts(alone)[0]["mountPath"] == "/models"
    assert serving.config_maps(alone) == []


def with_adapter(rank: int = 16) -> dict[str, Any]:
    """A model of the fleet and an adapter of it, in one server."""
    data = document("fleet")
    config = data["config"]
    base = config["substrate:models"]["llama-3-1-8b-assist"] | {"foundation": "plain"}
    replicas = base.pop("replicas")
    files = {name: {"sha256": digest * 32, "size": "20Mi"} for name, digest in ADAPTER_FILES.items()}
    adapter = {key: base[key] for key in ("team", "tier", "foundation", "pool")}
    weights = {**base["weights"], "from": "s3://models/legal/", "files": files}
    adapter |= {"servedName": "llama-legal", "adapter": {"of": "llama", "rank": rank}, "weights": weights}
    config["substrate:models"] = {"llama": base, "legal": adapter}
    config["substrate:servers"] = {"assistants": {"models": ["llama", "legal"], "replicas": replicas}}
    return data


ADAPTER_FILES = {"adapter_config.json": "a1", "adapter_model.safetensors": "b2"}


def test_adapter_is_served_beside_its_base_by_one_vllm(tmp_path: Path) -> None:
    assistants = server(plan_document(with_adapter(), tmp_path), "assistants")
    arguments = assistants.engine.args
    assert arguments[0] == "/models/llama"
    assert arguments[-2:] == ("--lora-modules", "llama-legal=/models/legal")
    assert {"--enable-lora", "--max-loras=1", "--max-lora-rank=16"} <= set(arguments)
    assert (assistants.min_replicas, assistants.max_replicas) == (2, 3)
    assert [each.url.rpartition("/")[2] for each in assistants.models] == ["llama", "legal"]


def test_adapter_of_an_odd_rank_gets_the_next_kernel(tmp_path: Path) -> None:
    assistants = server(plan_document(with_adapter(rank=20), tmp_path), "assistants")
    assert "--max-lora-rank=32" in assistants.engine.args
