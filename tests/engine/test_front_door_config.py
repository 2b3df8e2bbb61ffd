"""The front door's files, read by the real Envoy: judged whole, and served for every shipped stack."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster import tools
from substrate.manifests import envoy
from substrate.manifests.envoy import api
from substrate.manifests.envoy.keys import keys_file
from substrate.plan import FrontDoorPlan
from substrate.plan.reach import STARTING_PORT
from tests.stacks import STACKS, document, plan_document, plan_of

pytestmark = pytest.mark.engine

KEY = "sk-of-ann"


@pytest.fixture(scope="module")
def program() -> str:
    return str(tools.path("envoy"))


def shipped(stack: str) -> FrontDoorPlan:
    plan = plan_of(stack).front_door
    assert plan
    return plan


def keyed(stack: str) -> FrontDoorPlan:
    return replace(shipped(stack), keys_secret="keys")


PLANS = {
    **{stack: (lambda stack=stack: shipped(stack)) for stack in STACKS},
    **{f"{stack} with keys": (lambda stack=stack: keyed(stack)) for stack in STACKS},
}


def resources(text: str) -> list[dict[str, Any]]:
    """A dynamic file's, as a bootstrap holds them."""
    found: list[dict[str, Any]] = json.loads(text)["resources"]
    return [{key: value for key, value in one.items() if key != "@type"} for one in found]


def whole(plan: FrontDoorPlan) -> dict[str, Any]:
    """All files as one bootstrap: what Envoy fetches when it runs it does not look at when it judges."""
    files = envoy.files(plan)
    bootstrap: dict[str, Any] = json.loads(files[envoy.BOOTSTRAP])
    del bootstrap["dynamic_resources"]
    bootstrap["static_resources"]["clusters"] += resources(files[api.CLUSTERS])
    (manager,) = bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]
    typed = manager["typed_config"]
    del typed["rds"]
    (typed["route_config"],) = resources(files[api.ROUTES])
    for listener in bootstrap["static_resources"]["listeners"]:
        if listener["name"] == "starting":
            (manager,) = listener["filter_chains"][0]["filters"]
            del manager["typed_config"]["rds"]
            (manager["typed_config"]["route_config"],) = resources(files[api.STARTING])
    if plan.keys_secret:
        (typed["http_filters"][0],) = resources(keys_file({"ann": KEY}))
    return bootstrap


def judged(program: str, bootstrap: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "whole.json"
    file.write_text(json.dumps(bootstrap))
    command = [program, "--mode", "validate", "--config-path", str(file), "--log-level", "warning"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", PLANS)
def test_real_envoy_takes_all_that_a_shipped_stack_makes_without_a_warning(program, tmp_path, name):
    done = judged(program, whole(PLANS[name]()), tmp_path)

    assert done.returncode == 0, done.stderr
    assert "[warning]" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("max_requests_per_connection", "max_requests"), ("dynamic_metadata", "metadata"), ("inline_string", "inline")],
)
def test_the_same_way_of_asking_refuses_a_field_that_is_none(program, tmp_path, wrong, right):
    """In a cluster, in a route, in an answer: each file is really judged."""
    text = json.dumps(whole(shipped("local")))
    assert f'"{wrong}"' in text
    done = judged(program, json.loads(text.replace(f'"{wrong}"', f'"{right}_"')), tmp_path)

    assert done.returncode != 0
    assert "has unknown fields" in done.stderr, done.stderr


def free_ports(count: int) -> list[int]:
    listeners = [socket.socket() for _ in range(count)]
    for listener in listeners:
        listener.bind(("127.0.0.1", 0))
    found = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return found


@contextmanager
def running(program: str, plan: FrontDoorPlan, folder: Path, waiting: bool = False) -> Iterator[httpx.Client]:
    """Envoy on the very files, in folders and on ports of this machine; `waiting` for those who waited in vain."""
    port, metrics, starting = free_ports(3)
    for name in ("etc", "keys", "tmp"):
        (folder / name).mkdir()
    (folder / "keys" / api.KEYS_FILE).write_text(keys_file({"ann": KEY}))
    for name, text in envoy.files(plan).items():
        (folder / "etc" / name).write_text(
            moved(text, folder, {api.PORT: port, api.METRICS_PORT: metrics, STARTING_PORT: starting})
        )
    command = [
        program,
        "--config-path",
        str(folder / "etc" / envoy.BOOTSTRAP),
        "--disable-hot-restart",
        "--log-level",
        "warning",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "--concurrency", "1"], stdout=log, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{starting if waiting else port}") as client:
            until_ready(process, metrics, folder / "log")
            yield client
    finally:
        process.kill()
        process.wait()


def moved(text: str, folder: Path, ports: dict[int, int]) -> str:
    places = {api.CONFIGURATION: folder / "etc", api.KEYS: folder / "keys", "/tmp": folder / "tmp"}
    text = re.sub("|".join(rf'(?<="){old}(?=[/"])' for old in places), lambda found: str(places[found[0]]), text)
    for old, new in ports.items():
        text = text.replace(f'"port_value": {old}', f'"port_value": {new}')
    return text.replace("0.0.0.0", "127.0.0.1")


def until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready after a minute:\n{log.read_text()}")


@pytest.mark.parametrize("stack", STACKS)
def test_every_model_of_a_shipped_stack_is_listed_and_asked_for_by_its_served_name(program, tmp_path, stack):
    """No model is there: that each is known shows in the words of its refusal."""
    plan = shipped(stack)
    with running(program, plan, tmp_path) as client:
        listed = [one["id"] for one in client.get("/v1/models").json()["data"]]
        for served in listed:
            assert client.get(f"/v1/models/{served}").json()["id"] == served
            refused = client.post("/v1/chat/completions", json={"messages": [], "model": served})
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_unavailable")
        unknown = client.post("/v1/chat/completions", json={"model": "gpt-4o"})

    assert listed == [model.served_name for model in plan.models]
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")


ODD = ("a/b", "a:b", "meta-llama/Llama-3.1-8B", "A", "a", "a.b", "axb", "v1", "models", "x" * 200)


def test_served_names_are_matched_letter_by_letter(program, tmp_path):
    """Of any form that a stack file may say; none is a pattern, and none is another in capitals."""
    data = document("fleet")
    own_api = ("triton", "bentoml")
    blocks = data["config"]["substrate:models"].values()
    for block, served in zip((one for one in blocks if one.get("foundation") not in own_api), ODD, strict=False):
        block["servedName"] = served
    plan = plan_document(data, tmp_path, "odd").front_door
    assert plan
    with running(program, plan, tmp_path) as client:
        for served in ODD:
            assert client.get(f"/v1/models/{served}").json()["id"] == served
            refused = client.post("/v1/chat/completions", json={"model": served})
            assert f"`{served}`" in refused.json()["error"]["message"]
            assert refused.status_code == 503
        for near in ("a/B", "a.B", "ayb", "", "V1", "x" * 199):
            assert client.post("/v1/chat/completions", json={"model": near}).status_code in (400, 404), near


def test_who_waited_for_a_model_in_vain_is_told_when_to_ask_again_whatever_was_asked(program, tmp_path):
    plan = shipped("fleet")
    (model, *_) = plan.starting
    with running(program, plan, tmp_path, waiting=True) as client:
        asked = {"model": model.name, "messages": [{"role": "user", "content": "x" * 100_000}]}
        told = client.post("/v1/chat/completions", json=asked, headers={"host": model.host})
        other = client.get("/", headers={"host": "nobody.example"})

    assert (told.status_code, told.json()["error"]["code"]) == (503, "model_starting")
    assert int(told.headers["retry-after"]) >= model.again - 1
    assert f"`{model.name}`" in told.json()["error"]["message"]
    assert told.headers["content-type"] == "application/json"
    assert (other.status_code, other.headers["retry-after"]) == (503, "30")


def test_keys_shut_out_who_has_none(program, tmp_path):
    with running(program, keyed("fleet"), tmp_path) as client:
        refused = client.get("/v1/models")
        known = client.get("/v1/models", headers={"authorization": f"Bearer {KEY}"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    assert known.status_code == 200


def test_request_that_is_larger_than_the_stack_says_is_refused_in_its_words(program, tmp_path):
    plan = replace(shipped("local"), max_body=type(shipped("local").max_body)(64 * 1024))
    with running(program, plan, tmp_path) as client:
        body = {"model": plan.models[0].served_name, "messages": ["x" * 70_000]}
        refused = client.post("/v1/chat/completions", json=body)

    assert refused.status_code == 413
    assert "64KiB" in refused.json()["error"]["message"]
