"""Monitors find every engine's metrics, rules carry the plan, and dashboards are the same text each time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
import yaml

from substrate.manifests import labels, observability, serving
from substrate.manifests.observability import alerts, dashboards, monitors, rules
from substrate.manifests.observability.dashboards import grafana
from substrate.manifests.observability.dashboards.board import Kind
from substrate.manifests.observability.series import SERVER
from substrate.queries import pod_label
from tests.engine.alert_cases import MONITORING
from tests.engine_plans import generated
from tests.stacks import ROOT, STACKS, plan_of

RUNBOOKS = ROOT / "docs" / "runbooks"


def observed(stack: str):
    return replace(plan_of(stack), monitoring=MONITORING)


@pytest.mark.parametrize("stack", STACKS)
def test_all_objects_are_where_prometheus_looks_and_carry_what_it_selects_by(stack: str) -> None:
    chosen = replace(MONITORING, labels={"release": "kube-prometheus-stack"})
    plan = observed(stack)
    made = [*observability.readers(plan, chosen), *observability.judges(plan, chosen)]

    for each in (one for one in made if one["kind"] != "ConfigMap"):
        assert each["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    of_rules = {each["metadata"]["namespace"] for each in made if each["kind"] != "PodMonitor"}
    assert of_rules == {"monitoring"}
    read = {each["metadata"]["namespace"] for each in made if each["kind"] == "PodMonitor"}
    assert {namespace.name for namespace in plan.namespaces} <= read


@pytest.mark.parametrize("engine", ["vllm", "llama.cpp", "tgi", "triton"])
def test_monitor_reads_the_one_declared_port_that_the_annotation_names(engine: str) -> None:
    """As Prometheus does it: a target for each declared port of a pod, of which the relabelling keeps one."""
    for server in generated(engine)[:20]:
        pod = serving.template(server)
        said = pod["metadata"]["annotations"]
        containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]
        declared = [str(port["containerPort"]) for each in containers for port in each.get("ports", ())]

        assert declared.count(said["prometheus.io/port"]) == 1
        assert labels.serves_models()["key"] in pod["metadata"]["labels"]
    actions = [rule["action"] for rule in monitors.engine_endpoint()["relabelings"]]
    assert actions == ["keep", "keepequal", "replace"]


def test_series_are_told_apart_by_labels_that_the_monitor_asks_for() -> None:
    asked = {f"{labels.DOMAIN}/{label}" for label in monitors.TARGET_LABELS}
    for monitor in observability.readers(observed("fleet"), MONITORING):
        assert set(monitor["spec"]["podTargetLabels"]) == asked
    assert {pod_label("model"), pod_label("server")} <= {pod_label(label) for label in monitors.TARGET_LABELS}


def test_thresholds_are_the_plans() -> None:
    plan = observed("fleet")
    server = next(server for server in plan.servers if server.name == "llama-3-1-8b-assist")
    found = {
        record.name: record.expr
        for record in rules.recorded_of(plan, server.namespace)["plan"]
        if record.set.get("server") == server.name
    }
    assert found["substrate:replicas:min"] == f"vector({server.min_replicas})"
    assert found["substrate:replicas:max"] == f"vector({server.max_replicas})"
    assert found["substrate:cold_start:budget_seconds"] == f"vector({server.startup.budget:g})"
    assert found["substrate:requests:parallel"] == f"vector({server.model.parallel})"


def test_recorded_series_of_every_engine_carry_the_same_labels() -> None:
    for group, recorded in rules.recorded_of(observed("fleet"), "research").items():
        for record in recorded:
            assert set(record.labels) >= set(SERVER) or "job_name" in record.labels, (group, record.name)


def test_rules_of_a_large_team_fit_into_one_object() -> None:
    """The API server refuses an object of more than 1.5 MB; a team of 250 models has some 700 kB of rules."""
    plan = observed("fleet")
    (team,) = (namespace for namespace in plan.namespaces if namespace.name == "assist")
    one = next(server for server in plan.servers if server.namespace == "assist")
    many = tuple(replace(one, name=f"{one.name}-{number}") for number in range(250))
    assert len(json.dumps(rules.of_team(replace(plan, servers=many), team, MONITORING))) < 1_000_000


ALERTS = alerts.alerts("local", ["gpu-01"])


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_an_alert_says_what_where_and_what_to_read(alert: alerts.Alert) -> None:
    rule = alert.rule("local", MONITORING.runbooks)
    assert rule["labels"] == {"severity": alert.severity, "stack": "local"}
    assert rule["annotations"]["runbook_url"] == f"{MONITORING.runbooks}/{alert.name}.md"
    assert "$labels" in alert.summary and alert.description.endswith(".")


@pytest.mark.parametrize("name", sorted({alert.name for alert in ALERTS}))
def test_an_alert_has_a_page_for_who_is_woken(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["What it means", "See first", "Likely causes", "Do"]


def test_no_page_is_of_an_alert_that_is_gone() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {alert.name for alert in ALERTS} | {"README"}


@pytest.mark.parametrize("stack", STACKS)
def test_dashboards_are_the_same_text_each_time_and_apart_by_stack(stack: str) -> None:
    first, again = observability.dashboard_maps(stack, MONITORING), observability.dashboard_maps(stack, MONITORING)
    assert first == again
    assert [each["metadata"]["name"] for each in first] == [
        f"substrate-{stack}-{name}" for name in ("fleet", "model", "cold-start", "staging")
    ]
    for each in first:
        (text,) = each["data"].values()
        assert json.loads(text)["uid"] == each["metadata"]["name"]
        assert len(yaml.safe_dump(each)) < 200_000  # a client's apply keeps it once more in an annotation of 256 kB


def test_every_panel_has_a_place_of_its_own_a_number_and_a_query() -> None:
    for board in dashboards.boards("local"):
        panels = json.loads(grafana.text(board, "local"))["panels"]
        assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
        taken = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
        assert len(set(taken)) == len(taken)
        for before, after in pairwise(panels):
            assert before["gridPos"]["y"] <= after["gridPos"]["y"]
        assert all(panel["targets"] and panel["description"] for panel in panels if panel["type"] != "row")


def test_one_dashboard_serves_every_engine() -> None:
    """No panel of a model asks an engine by its own words."""
    asked = [
        query.expr
        for board in dashboards.boards("local")
        for row in board.rows
        for panel in row.panels
        for query in panel.queries
    ]
    of_engines = re.compile(r"vllm:|llamacpp:|nv_inference|tgi_|bentoml_")
    assert asked and not [query for query in asked if of_engines.search(query)]


def test_every_kind_of_panel_is_drawn() -> None:
    kinds = {panel.kind for board in dashboards.boards("local") for row in board.rows for panel in row.panels}
    assert kinds == set(Kind)
