"""A stack's own scalers with a real engine: KEDA follows the requests in flight, and wakes what is at zero.

The local stack has its model twice: from one replica to two, and at zero until somebody asks.
"""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import httpx
import pytest
import yaml

from tests.cluster.conftest import PATIENCE, eventually
from tests.cluster.demands import PROMETHEUS
from tests.e2e.clients import load, say
from tests.e2e.harness import Project

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "prometheus", "keda", "http-add-on")]

BUSY, TAIL, SERVED, NAMESPACE = "smollm2-135m", "smollm2-tail", "smollm2-135m-instruct", "home"
# Each replica is to have two in flight; more clients at once than two replicas are to have.
CLIENTS, TARGET = 6, 2
FIRST_REQUESTS = 100


def scaled(data: dict[str, Any]) -> dict[str, Any]:
    """Half a core each, so that three replicas fit beside what else the node runs."""
    config = data["config"]
    model = {**config["substrate:models"][BUSY], "cpus": "500m"}
    busy = {"replicas": {"min": 1, "max": 2}, "scaling": {"target": TARGET, "scaleDownWindow": "15s"}}
    tail = {"tier": "longTail", "replicas": {"min": 0, "max": 1}, "scaling": {"idle": "10s"}}
    config["substrate:monitoring"] = {"prometheus": PROMETHEUS}
    config["substrate:autoscaling"] = {"through": "keda", "wake": "http-add-on"}
    config["substrate:models"] = {BUSY: {**model, **busy}, TAIL: {**deepcopy(model), "servedName": TAIL, **tail}}
    return data


@pytest.fixture(scope="module")
def project(lab_project: Project) -> Project:
    path = lab_project.folder / "Pulumi.local.yaml"
    path.write_text(yaml.safe_dump(scaled(yaml.safe_load(path.read_text())), sort_keys=False))
    lab_project.up("local")
    return lab_project


def scale(project: Project, model: str) -> tuple[int, int]:
    """The replicas that its Deployment shall have, and those that are ready."""
    found = json.loads(project.kubectl("get", f"deployment/{model}-plain", "-n", NAMESPACE, "-o", "json"))
    return found["spec"]["replicas"], found["status"].get("readyReplicas", 0)


def wait_until_asleep(project: Project) -> None:
    pods = ("pods", "-n", NAMESPACE, "--selector", f"substrate.dev/model={TAIL}")
    eventually("it sleeps", lambda: scale(project, TAIL) == (0, 0) and not project.objects(*pods))


def test_replicas_follow_the_requests_in_flight_and_no_request_is_lost(project):
    """Up under load, kept by an update under load, down after it."""
    url = f"{project.endpoints()[BUSY]}/v1"
    assert scale(project, BUSY) == (1, 1)

    def ask() -> str:
        return say(url, SERVED, 64)

    with load(ask, CLIENTS):
        eventually("two replicas serve", lambda: scale(project, BUSY) == (2, 2))
        project.up("local", "--no-ask")
        assert scale(project, BUSY) == (2, 2), "an update sets no replicas back"
    with load(ask, clients=1):
        eventually("one replica is left", lambda: scale(project, BUSY) == (1, 1))


def test_first_request_wakes_the_long_tail_and_is_answered_within_what_the_plan_says(project):
    """The measure stands beside the prediction; it is an answer and no 503, so it was within the bound too."""
    wait_until_asleep(project)
    began = time.monotonic()

    assert say(f"{project.endpoints()[TAIL]}/v1", TAIL, 1)

    took, predicted = time.monotonic() - began, project.output("firstRequestSeconds")[TAIL]
    print(f"first request answered after {took:.1f} s, predicted {predicted:.1f} s")
    assert scale(project, TAIL) == (1, 1)


def test_hundred_first_requests_at_once_are_all_answered(project):
    """Half at the model's own URL, half at the address of all models."""
    wait_until_asleep(project)
    urls = (f"{project.endpoints()[TAIL]}/v1", project.output("frontDoor"))

    with ThreadPoolExecutor(FIRST_REQUESTS) as pool:
        answers = list(pool.map(lambda number: say(urls[number % 2], TAIL, 2), range(FIRST_REQUESTS)))

    assert len(answers) == FIRST_REQUESTS and all(answers)


def test_what_does_not_wake_in_time_is_told_to_ask_again_and_wakes_once_it_can(project):
    """The node takes no new pod: the request is held for as long as the plan says, then refused in OpenAI's form."""
    wait_until_asleep(project)
    project.kubectl("cordon", "engine-local")
    try:
        asked = {"model": TAIL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
        told = httpx.post(f"{project.endpoints()[TAIL]}/v1/chat/completions", json=asked, timeout=PATIENCE)
    finally:
        project.kubectl("uncordon", "engine-local")

    assert told.status_code == 503, told.text
    assert int(told.headers["retry-after"]) >= 1
    assert told.json()["error"]["code"] == "model_starting"
    eventually("it is answered", lambda: say(f"{project.endpoints()[TAIL]}/v1", TAIL, 1))


def test_the_scaler_of_every_model_hears_and_the_live_view_shows_its_bounds(project):
    shown = project.run("make", "-s", "watch", "STACK=local", "CLUSTER=existing", check=False).stdout
    rows = {line.split()[0]: re.split(r"\s{2,}", line) for line in shown.splitlines() if line.startswith(NAMESPACE)}

    assert rows[f"{NAMESPACE}/{BUSY}"][2] == "1..2", shown
    assert rows[f"{NAMESPACE}/{TAIL}"][2] == "0..1", shown
