"""The local stack observed by a real Prometheus in the cluster: its models' metrics, every panel, three alerts.

A queue is filled, a model stopped and a staging broken, all at once, since what is waited for are the rules' minutes.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from itertools import chain
from typing import Any

import httpx
import pytest
import yaml

from ops import live
from substrate.manifests.observability import dashboards
from substrate.manifests.observability.dashboards import grafana
from tests.cluster.conftest import Embedded, eventually
from tests.cluster.demands import PROMETHEUS
from tests.cluster.forwarding import proxied
from tests.e2e.clients import load, say
from tests.e2e.harness import Project

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "prometheus")]

MODEL, STOPPED, SERVED, NAMESPACE = "smollm2-135m", "stopped", "smollm2-135m-instruct", "home"
ALERTS = ("ModelStagingFailed", "ModelDown", "ModelQueueGrowing")
# More than the one replica serves at once, which is two, and may let wait.
CLIENTS = 12
# What the embedded stack has no source for: a GPU, vLLM's words, a kubelet's statistics of volumes.
UNTOLD = re.compile(r"gpu_|kv_cache|time_to_first_token|preemptions|kubelet_volume|source=\"engine\"")


def another(model: dict[str, Any], name: str) -> dict[str, Any]:
    return {**deepcopy(model), "servedName": name}


@pytest.fixture(scope="module")
def observed(lab_project: Project) -> Project:
    path = lab_project.folder / "Pulumi.local.yaml"
    data = yaml.safe_load(path.read_text())
    models = data["config"]["substrate:models"]
    models[MODEL]["cpus"] = "250m"  # a queue fills the sooner, and other lanes keep their cores
    models[STOPPED] = another(models[MODEL], STOPPED)
    data["config"]["substrate:monitoring"] = {"prometheus": PROMETHEUS}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    lab_project.up("local")
    return lab_project


@pytest.fixture(scope="module")
def prometheus(foundations: Embedded, observed: Project) -> Iterator[httpx.Client]:
    with proxied(foundations, "monitoring", "prometheus", 9090) as client:
        yield client


@pytest.fixture(scope="module")
def ask(prometheus: httpx.Client) -> live.Ask:
    return live.asking(str(prometheus.base_url).rstrip("/"))


@pytest.fixture(scope="module")
def url(observed: Project) -> str:
    """Of the model: asked for once, since each question of it starts a program."""
    return f"{observed.endpoints()[MODEL]}/v1"


def firing(ask: live.Ask, name: str) -> bool:
    return bool(ask(f'ALERTS{{alertstate="firing",stack="local",alertname="{name}"}}'))


def test_the_live_view_shows_the_model_at_work(observed: Project, ask: live.Ask, url: str) -> None:
    eventually("its metrics are read", lambda: ask("substrate:scraped == 1"))
    with ThreadPoolExecutor(2) as pool:
        told = pool.submit(say, url, SERVED, 300)
        eventually("its tokens are counted", lambda: ask("substrate:generated_tokens:rate1m > 0"))
        told.result()
    shown = observed.run(sys.executable, "-m", "ops.live", "local", "--once").stdout.splitlines()

    assert shown[0].split()[0] == "MODEL"
    rows = {line.split()[0]: line.split()[1:3] for line in shown[1:] if line.startswith(NAMESPACE)}
    assert rows == {f"{NAMESPACE}/{name}": ["1", "1..1"] for name in (MODEL, STOPPED)}


def test_every_rule_is_evaluated_without_error(prometheus: httpx.Client) -> None:
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    ours = [rule for group in groups if group["name"].startswith("substrate.") for rule in group["rules"]]

    assert len(ours) > 50
    assert {rule["name"]: rule["lastError"] for rule in ours if rule["health"] == "err"} == {}


def queries() -> list[str]:
    """Of all panels, with what a person may choose left open."""
    panels = chain.from_iterable(
        json.loads(grafana.text(board, "local"))["panels"] for board in dashboards.boards("local")
    )
    targets = chain.from_iterable(panel.get("targets", ()) for panel in panels)
    found = (re.sub(r"\$\w+", ".+", target["expr"]) for target in targets)
    return [query for query in found if not UNTOLD.search(query) and " > 0" not in query]


def shows(ask: live.Ask, query: str) -> bool:
    """A number: nothing divided by nothing is none."""
    return any(not math.isnan(value) for _, value in ask(query))


@contextmanager
def failed_staging(project: Project) -> Iterator[None]:
    """A third model, whose weights are not what its block says."""
    path = project.folder / "Pulumi.local.yaml"
    right = path.read_text()
    data = yaml.safe_load(right)
    models = data["config"]["substrate:models"]
    models["broken"] = another(models[MODEL], "broken")
    models["broken"]["weights"]["files"]["model.gguf"]["sha256"] = "0" * 64
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    try:
        assert project.up("local", check=False).returncode != 0
        yield
    finally:
        path.write_text(right)
        project.up("local", "--no-ask")


@contextmanager
def stopped(project: Project) -> Iterator[None]:
    """Its pod is gone, and the one that follows finds no node."""
    (node,) = project.kubectl("get", "nodes", "--output=name").split()
    project.kubectl("cordon", node)
    try:
        project.kubectl("delete", "pods", f"--selector=substrate.dev/model={STOPPED}", "--namespace", NAMESPACE)
        yield
    finally:
        project.kubectl("uncordon", node)


@pytest.fixture(scope="module")
def trouble(observed: Project, url: str) -> Iterator[ExitStack]:
    """A queue, a stopped model, a failed staging; over when it is closed."""
    with ExitStack() as troubles:
        for each in (failed_staging(observed), stopped(observed), load(lambda: say(url, SERVED, 50), CLIENTS)):
            troubles.enter_context(each)
        yield troubles


def test_a_queue_a_stopped_model_and_a_failed_staging_are_alerts(trouble: ExitStack, ask: live.Ask) -> None:
    """Each as long after as its rule says: at once, two minutes, five."""
    for name in ALERTS:
        eventually(f"{name} fires", lambda name=name: firing(ask, name))


def test_every_panel_of_every_dashboard_shows_something(trouble: ExitStack, observed: Project, ask: live.Ask) -> None:
    """In trouble, since some show what starts or fails, and while requests go through the front door."""
    door = observed.output("frontDoor")

    def silent() -> list[str]:
        say(door, SERVED, 50)
        return [query for query in queries() if not shows(ask, query)]

    eventually("every panel has something to show", lambda: not silent(), lambda: "\n".join(silent()))


def test_no_trouble_is_an_alert_once_it_is_over(trouble: ExitStack, ask: live.Ask) -> None:
    trouble.close()

    for name in ALERTS:
        eventually(f"{name} fires no more", lambda name=name: not firing(ask, name))
