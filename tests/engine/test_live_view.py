"""The real Prometheus evaluates the rules of a stack: the live view and every panel of a dashboard get an answer.

The model in it is what llama-server says of itself, in its own words, labelled as the PodMonitor labels a pod's series.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from ops import live
from ops.console import Failure
from substrate.manifests import observability
from substrate.manifests.observability import dashboards
from substrate.manifests.observability.dashboards import grafana
from substrate.manifests.observability.records import MONITOR
from substrate.plan import StackPlan
from tests.engine import prometheus
from tests.engine.alert_cases import MONITORING
from tests.stacks import plan_of

pytestmark = pytest.mark.engine

TOKENS_A_SECOND = 40
PAGE = """# HELP llamacpp:tokens_predicted_total Number of generation tokens processed.
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total {tokens}
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 2
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 3
"""


@pytest.fixture(scope="module")
def plan() -> StackPlan:
    return replace(plan_of("local"), monitoring=MONITORING)


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """Its address."""
    began = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(PAGE.format(tokens=TOKENS_A_SECOND * (time.monotonic() - began)).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def base(plan: StackPlan, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    judged = (each for each in observability.judges(plan, MONITORING) if each["kind"] == "PrometheusRule")
    groups = [{**group, "interval": "1s"} for each in judged for group in each["spec"]["groups"]]
    (server,) = plan.servers
    labels = {
        "namespace": server.namespace, "pod": f"{server.name}-plain-0", "container": "engine",
        "substrate_dev_model": server.name, "substrate_dev_workload": "llm",
    }  # fmt: skip
    target = {"job_name": f"{server.namespace}/{MONITOR}", "static_configs": [{"targets": [engine], "labels": labels}]}
    with prometheus.running(tmp_path_factory.mktemp("prometheus"), {"groups": groups}, [target]) as url:
        yield url


@pytest.fixture(scope="module")
def ask(base: str, plan: StackPlan) -> live.Ask:
    """Once what is recorded has come, and half of what a minute's rate will be when the minute is over."""
    asked = live.asking(base)
    deadline = time.monotonic() + prometheus.PATIENCE
    while time.monotonic() < deadline:
        found = live.look(asked, plan.name)
        if found and found[0].values.get("tokens", 0) > TOKENS_A_SECOND / 2:
            return asked
        time.sleep(1)
    raise AssertionError(live.look(asked, plan.name))


def test_the_view_shows_what_an_engine_does_now(ask: live.Ask, plan: StackPlan) -> None:
    heading, row, *rest = live.page(ask, plan.name)

    assert re.split(r"\s{2,}", heading) == list(live.HEADINGS)
    name, ready, bounds, in_flight, waiting, tokens, *untold = row.split()
    assert (name, ready, bounds, in_flight, waiting) == ("home/smollm2-135m", "1", "1..1", "5", "3")
    assert TOKENS_A_SECOND / 2 < float(tokens) <= TOKENS_A_SECOND * 1.1
    assert untold == ["-", "-"], "llama.cpp tells neither its KV cache nor its first tokens"
    assert rest == ["", "No alert fires."]


def test_a_model_that_prometheus_knows_is_not_waited_for(
    ask: live.Ask, plan: StackPlan, capsys: pytest.CaptureFixture[str]
) -> None:
    live.settle(ask, plan)

    assert capsys.readouterr().out == ""


def test_a_new_model_is_waited_for_until_prometheus_has_counted_its_tokens(
    ask: live.Ask, plan: StackPlan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a first `make up`: first nothing, then the rules' own numbers, then what was scraped once, then all."""
    monkeypatch.setattr(live, "EVERY_SECONDS", 0.01)
    columns = live.queries(plan.name)
    stages = [[], ["least", "most"], ["least", "most", "ready", "in_flight"]]
    shown = [{columns[name] for name in stage} for stage in stages]
    asked: list[str] = []

    def early(query: str) -> list[tuple[Mapping[str, str], float]]:
        asked.append(query)
        place = asked.count(query) - 1
        return ask(query) if place >= len(shown) or query in shown[place] else []

    live.settle(early, plan)

    assert max(asked.count(query) for query in columns.values()) == len(stages) + 1
    told = capsys.readouterr().out
    assert "==> Waiting for the models' first metrics" in told and "not all there" not in told


def test_a_prometheus_without_the_rules_is_waited_for_no_longer_than_said(
    plan: StackPlan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY_SECONDS", 0.01)
    live.settle(lambda query: [], plan, patience=0.05)

    assert "not all there after 0 s: smollm2-135m" in capsys.readouterr().out


def test_no_model_of_another_stack_is_shown(ask: live.Ask) -> None:
    assert "no recorded series of stack other" in live.page(ask, "other")[0]


def test_every_panel_of_every_dashboard_gets_an_answer(ask: live.Ask, plan: StackPlan) -> None:
    """No parser knows of series that cannot be matched to one another: Prometheus does."""
    answered = 0
    for board in dashboards.boards(plan.name):
        panels = json.loads(grafana.text(board, plan.name))["panels"]
        targets = itertools.chain.from_iterable(panel.get("targets", ()) for panel in panels)
        for target in targets:
            answered += bool(ask(re.sub(r"\$\w+", ".+", target["expr"])))
    assert answered > 30, "most panels of fleet and model have something to show"


def test_what_is_recorded_has_no_rule_that_fails(base: str) -> None:
    groups = httpx.get(f"{base}/api/v1/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 40
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] == "err"} == {}


def test_a_prometheus_that_does_not_answer_is_said() -> None:
    with pytest.raises(Failure, match=r"no Prometheus answers at http://127\.0\.0\.1:9"):
        live.page(live.asking("http://127.0.0.1:9"), "local")


def test_a_stack_that_names_none_is_told_what_to_write() -> None:
    with pytest.raises(Failure, match=r"substrate:monitoring: \{prometheus:"):
        live.prometheus_of(replace(plan_of("local"), monitoring=None))


def test_what_does_not_fit_is_said_and_never_scrolls_the_screen() -> None:
    lines = [f"line {number} {'x' * 80}" for number in range(40)]
    shown = live.fitting(lines, columns=60, rows=24)

    assert len(shown) == 23 and all(len(line) <= 60 for line in shown)
    assert shown[-1].startswith("... 18 lines more than fit") and shown[21] == lines[21][:60]
    assert live.fitting(lines[:5], columns=200, rows=24) == lines[:5]


def test_a_url_outside_the_cluster_is_asked_as_it_is() -> None:
    with live.reached("https://prometheus.example.com/base/", "any") as base:
        assert base == "https://prometheus.example.com/base"


@pytest.mark.parametrize("host", ["prometheus.monitoring", "prometheus.monitoring.svc", "p.m.svc.cluster.local"])
def test_a_service_of_the_cluster_is_known_by_its_name(host: str) -> None:
    found = live._SERVICE.fullmatch(host)
    assert found and found["service"] and found["namespace"] in ("monitoring", "m")


def test_the_view_runs_as_a_person_runs_it() -> None:
    """No stack file, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "ops.live", "nowhere", "--once"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "Pulumi.nowhere.yaml" in done.stderr and "Traceback" not in done.stderr
