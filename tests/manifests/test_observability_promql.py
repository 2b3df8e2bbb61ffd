"""Every PromQL that is emitted anywhere parses, and is of series that are there, by labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from substrate import queries
from substrate.catalog.shape import SECTIONS
from substrate.facts.engines import ENGINES, VLLM
from substrate.facts.metrics import gone
from substrate.manifests import adapter_rules, autoscaling
from substrate.manifests.observability import dashboards, rules
from substrate.manifests.observability.alerts import alerts
from substrate.manifests.observability.dashboards import grafana
from substrate.plan import StackPlan
from tests import promql
from tests.engine.alert_cases import MONITORING
from tests.stacks import ROOT, STACKS, plan_of

# What Grafana fills a variable from: a metric, and the label whose values are listed.
VALUES = re.compile(r"label_values\((.+), (\w+)\)")
FENCED = re.compile(r"^\s*```promql\n(.*?)^\s*```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`((?:vllm|llamacpp|substrate):[a-z0-9_:]+)(?:\{[^`]*)?`")


def observed(stack: str) -> StackPlan:
    return replace(plan_of(stack), monitoring=MONITORING)


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    recorded = [
        record
        for plan in map(observed, STACKS)
        for namespace in plan.namespaces
        for group in rules.recorded_of(plan, namespace.name).values()
        for record in group
    ]
    return {**promql.exported(), **promql.recorded(recorded)}


def of_rules(plan: StackPlan) -> Iterator[str]:
    for namespace in plan.namespaces:
        for group in rules.recorded_of(plan, namespace.name).values():
            yield from (record.expr for record in group)
    yield from (alert.expr for alert in alerts(plan.name, ["gpu-01"]))


def of_dashboards(plan: StackPlan) -> Iterator[str]:
    for board in dashboards.boards(plan.name):
        read = json.loads(grafana.text(board, plan.name))
        for panel in read["panels"]:
            yield from (promql.filled(target["expr"]) for target in panel.get("targets", ()))
        found = (VALUES.match(variable["query"]) for variable in read["templating"]["list"])
        yield from (f"sum by ({match[2]}) ({promql.filled(match[1])})" for match in found if match)


def of_scalers(plan: StackPlan) -> Iterator[str]:
    """Of their plans, and of the objects made of them: KEDA's triggers hold the query, an HPA a name for it."""
    for server in plan.servers:
        yield from (signal.query for signal in (server.scaling.signals if server.scaling else ()) if signal.query)
        triggers = chain.from_iterable(each["spec"].get("triggers", ()) for each in autoscaling.objects(server))
        yield from (trigger["metadata"]["query"] for trigger in triggers if trigger["type"] == "prometheus")


@pytest.mark.parametrize("source", [of_rules, of_dashboards, of_scalers])
@pytest.mark.parametrize("stack", STACKS)
def test_every_query_is_of_series_and_labels_that_are_there(stack: str, source, known) -> None:
    asked = list(source(observed(stack)))
    faults = {query: found for query in asked if (found := promql.faults(query, known))}

    assert asked or (source, stack) == (of_scalers, "local")
    assert not faults


def test_every_signal_of_every_engine_asks_for_what_is_there(known) -> None:
    """As prometheus-adapter asks, which has a rule for each of them, and as scalers ask for the rest."""
    ruled = [
        promql.adapted(rule[asked])
        for rule in adapter_rules.external_rules()
        for asked in ("seriesQuery", "metricsQuery")
    ]
    tokens = queries.tokens_in_flight(ENGINES[VLLM].metrics, queries.Pods({"namespace": "team"}), 1000)
    asked = [*ruled, tokens or "", queries.gpu_use("team", "model-plain")]
    faults = {query: found for query in asked if (found := promql.faults(query, known))}

    assert len(ruled) > 20
    assert not faults


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_documents_tell_to_ask_can_be_asked(path: Path, known) -> None:
    text = path.read_text(encoding="utf-8")
    asked = [query.strip() for block in FENCED.findall(text) for query in block.split("\n\n")]
    faults = {query: found for query in asked if (found := promql.faults(promql.filled(query), known))}

    assert not faults
    named = set(NAMED.findall(text)) - {f"substrate:{section}" for section in SECTIONS}
    assert {name for name in named if name not in known and not family(name, known)} == set()


def family(name: str, known: dict[str, set[str]]) -> bool:
    """A document may speak of a histogram as a whole, or name one that is gone, which the facts know."""
    return f"{name}_bucket" in known or gone(name) is not None


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("sum(vllm:num_request_waiting)", "nothing exports or records 'vllm:num_request_waiting'"),
        ("substrate:in_fligth", "nothing exports or records 'substrate:in_fligth'"),
        ('substrate:in_flight{modell="x"}', "substrate:in_flight has no label 'modell'"),
        ("sum by (deploymnet) (kube_deployment_spec_replicas)", "no series of the query has label 'deploymnet'"),
        ("up * on (pood) group_left (server) substrate:pod", "no series of the query has label 'pood'"),
        ("vllm:gpu_cache_usage_perc", "nothing exports or records 'vllm:gpu_cache_usage_perc'"),
        ("sum(rate(up[5m])", "no PromQL"),
        ("llamacpp:requests_processing{model_name='x'}", "llamacpp:requests_processing has no label 'model_name'"),
    ],
)
def test_a_slip_is_found(query: str, fault: str, known) -> None:
    assert any(found.startswith(fault) for found in promql.faults(query, known))


def test_what_a_query_makes_of_labels_counts_as_there(known) -> None:
    assert promql.faults('sum by (mine) (label_replace(up, "mine", "$1", "pod", "(.+)"))', known) == []
