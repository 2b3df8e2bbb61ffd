"""The local stack observed by a real Prometheus in the cluster: its models' metrics, every panel, three alerts.

A model is stopped, a queue filled and a staging broken; each is seen to fire as long after as its rule says.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain

import httpx
import openai
import pytest

from ops import live
from substrate.manifests.observability import dashboards
from substrate.manifests.observability.dashboards import grafana
from tests.cluster.conftest import Embedded, eventually
from tests.cluster.forwarding import forwarded
from tests.e2e.harness import Project

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "prometheus")]

MODEL, SERVED, NAMESPACE = "smollm2-135m", "smollm2-135m-instruct", "home"
MONITORING = "  substrate:monitoring: {prometheus: 'http://prometheus.monitoring:9090'}\n"
# Two are served at once and five may wait for the one replica.
CLIENTS = 12
# What the embedded stack has no source for: a GPU, vLLM's words, a kubelet's statistics of volumes.
UNTOLD = re.compile(r"gpu_|kv_cache|time_to_first_token|preemptions|kubelet_volume|source=\"engine\"")


@pytest.fixture(scope="module")
def observed(lab_project: Project) -> Project:
    text = (lab_project.folder / "Pulumi.local.yaml").read_text()
    if "substrate:monitoring" not in text:
        lab_project.edit("Pulumi.local.yaml", "  substrate:models:\n", f"{MONITORING}  substrate:models:\n")
    lab_project.up("local")
    return lab_project


@pytest.fixture(scope="module")
def prometheus(foundations: Embedded, observed: Project) -> Iterator[httpx.Client]:
    with forwarded(foundations, "monitoring", "service/prometheus", 9090) as client:
        yield client


@pytest.fixture(scope="module")
def ask(prometheus: httpx.Client) -> live.Ask:
    return live.asking(str(prometheus.base_url).rstrip("/"))


def say(project: Project, tokens: int) -> str:
    url = f"{project.endpoints()[MODEL]}/v1"
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=300)
    messages = [{"role": "user", "content": "Tell a long story."}]
    answer = client.chat.completions.create(model=SERVED, messages=messages, max_tokens=tokens)  # type: ignore[arg-type]
    return answer.choices[0].message.content or ""


def firing(ask: live.Ask, name: str) -> bool:
    return bool(ask(f'ALERTS{{alertstate="firing",stack="local",alertname="{name}"}}'))


@contextmanager
def load(project: Project) -> Iterator[None]:
    """More clients at once than the replica serves or may let wait, each asking again and again."""
    done = threading.Event()

    def client() -> None:
        while not done.is_set():
            say(project, 300)

    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(client) for _ in range(CLIENTS)]
        try:
            yield
        finally:
            done.set()
    for each in asked:
        each.result()


def test_the_live_view_shows_the_model_at_work(observed: Project, ask: live.Ask) -> None:
    eventually("its metrics are read", lambda: ask("substrate:scraped == 1"))
    with ThreadPoolExecutor(2) as pool:
        told = pool.submit(say, observed, 600)
        eventually("its tokens are counted", lambda: ask("substrate:generated_tokens:rate1m > 0"))
        told.result()
    shown = observed.run(sys.executable, "-m", "ops.live", "local", "--once").stdout.splitlines()

    assert shown[0].split()[0] == "MODEL"
    name, ready, bounds, *_ = shown[1].split()
    assert (name, ready, bounds) == (f"{NAMESPACE}/{MODEL}", "1", "1..1")


def test_every_rule_is_evaluated_without_error(prometheus: httpx.Client) -> None:
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    ours = [rule for group in groups if group["name"].startswith("substrate.") for rule in group["rules"]]

    assert len(ours) > 50
    assert {rule["name"]: rule["lastError"] for rule in ours if rule["health"] == "err"} == {}


def test_every_panel_of_every_dashboard_shows_something(observed: Project, ask: live.Ask) -> None:
    say(observed, 50)
    silent = {}
    for board in dashboards.boards("local"):
        panels = json.loads(grafana.text(board, "local"))["panels"]
        for target in chain.from_iterable(panel.get("targets", ()) for panel in panels):
            query = re.sub(r"\$\w+", ".+", target["expr"])
            if not ask(query) and not UNTOLD.search(query) and " > 0" not in query:
                silent[query] = board.name
    assert not silent


def test_a_staging_that_fails_is_an_alert(observed: Project, ask: live.Ask) -> None:
    path = observed.folder / "Pulumi.local.yaml"
    right = path.read_text()
    path.write_text(re.sub(r"sha256: \w{64}", f"sha256: {'0' * 64}", right))
    try:
        assert observed.up("local", check=False).returncode != 0
        eventually("it fires", lambda: firing(ask, "ModelStagingFailed"))
    finally:
        path.write_text(right)
        observed.up("local")
    eventually("it fires no more", lambda: not firing(ask, "ModelStagingFailed"))


def test_a_queue_that_is_filled_is_an_alert(observed: Project, ask: live.Ask) -> None:
    began = time.monotonic()
    with load(observed):
        eventually("it pends", lambda: ask('ALERTS{alertname="ModelQueueGrowing"}'))
        eventually("it fires", lambda: firing(ask, "ModelQueueGrowing"))
    assert time.monotonic() - began > 300, "it holds for five minutes first"


def test_a_model_that_is_stopped_is_an_alert_until_it_is_back(observed: Project, ask: live.Ask) -> None:
    stopped = ("scale", f"deployment/{MODEL}-plain", "--namespace", NAMESPACE)
    observed.kubectl(*stopped, "--replicas=0")
    try:
        eventually("it fires", lambda: firing(ask, "ModelDown"))
    finally:
        observed.kubectl(*stopped, "--replicas=1")
    eventually("it fires no more", lambda: not firing(ask, "ModelDown"))
