"""The real promtool takes every rule that is emitted, and each alert fires when it must and not just before."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import tools
from substrate.manifests.observability import rules
from tests.engine.alert_cases import CASES, HEALTHY, INTERVAL_SECONDS, MONITORING, Case, Series, plan
from tests.stacks import STACKS, plan_of

pytestmark = pytest.mark.engine


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(tools.path("promtool")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def rule_file(path: Path, objects: Iterable[Mapping[str, Any]]) -> Path:
    """As the operator writes the groups of PrometheusRules."""
    groups = [group for each in objects for group in each["spec"]["groups"]]
    path.write_text(yaml.safe_dump({"groups": groups}, sort_keys=False))
    return path


@pytest.mark.parametrize("stack", STACKS)
def test_promtool_accepts_every_rule_of_the_shipped_stacks(stack: str, tmp_path: Path) -> None:
    observed = replace(plan_of(stack), monitoring=MONITORING)
    of_teams = [rules.of_team(observed, namespace, MONITORING) for namespace in observed.namespaces]
    for number, each in enumerate([*of_teams, rules.of_stack(observed, MONITORING)]):
        checked = promtool(
            "check", "rules", "--lint=all", "--lint-fatal", rule_file(tmp_path / f"{number}.yaml", [each])
        )
        assert checked.returncode == 0, checked.stderr


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules of the cases' server."""
    one = plan()
    objects = [*(rules.of_team(one, each, MONITORING) for each in one.namespaces), rules.of_stack(one, MONITORING)]
    return rule_file(tmp_path_factory.mktemp("rules") / "rules.yaml", objects)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}-{case.severities[0]}-{case.minute}m")
def test_alert_fires_when_it_must_and_not_just_before(case: Case, written: Path) -> None:
    fires = unit(case, case.fires, [expected(case, severity, written) for severity in case.severities])
    quiet = [unit(case, series, []) for series in case.quiet]
    checked = run(written, [fires, *quiet], case.step)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_case(written: Path) -> None:
    assert {(case.alert, severity) for case in CASES for severity in case.severities} == alerts_of(written).keys()


def test_nothing_fires_on_a_good_day(written: Path) -> None:
    """The same tests with healthy series: an alert that fires anyway would pass its case."""
    names = dict.fromkeys(name for name, _ in alerts_of(written))
    looks = [
        {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []} for name in names for minute in (5, 30, 60)
    ]
    checked = run(written, [{**series_of(HEALTHY), "alert_rule_test": looks}])

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_promtool_would_notice(written: Path) -> None:
    """A case that expects what does not happen fails: the tests above look at something."""
    case = CASES[0]
    checked = run(written, [unit(case, HEALTHY, [expected(case, case.severities[0], written)])])

    assert checked.returncode != 0 and "FAILED" in checked.stdout + checked.stderr


def unit(case: Case, series: Series, alerts: list[dict[str, Any]]) -> dict[str, Any]:
    look = {"eval_time": f"{case.minute}m", "alertname": case.alert, "exp_alerts": alerts}
    return {**series_of({**HEALTHY, **series}, case.step), "alert_rule_test": [look]}


def series_of(series: Series, step: int = INTERVAL_SECONDS) -> dict[str, Any]:
    given = [{"series": name, "values": values} for name, values in series.items()]
    return {"interval": f"{step}s", "input_series": given}


def expected(case: Case, severity: str, written: Path) -> dict[str, Any]:
    said = alerts_of(written)[case.alert, severity]["annotations"]
    description = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: case.labels[found[1]], said["description"])
    annotations = {**said, "summary": case.summary, "description": description}
    return {"exp_labels": {**case.labels, "severity": severity}, "exp_annotations": annotations}


def alerts_of(written: Path) -> dict[tuple[str, str], dict[str, Any]]:
    groups = yaml.safe_load(written.read_text())["groups"]
    found = (rule for group in groups for rule in group["rules"] if "alert" in rule)
    return {(rule["alert"], rule["labels"]["severity"]): rule for rule in found}


def run(written: Path, units: list[dict[str, Any]], step: int = INTERVAL_SECONDS) -> subprocess.CompletedProcess[str]:
    """Groups are evaluated in the order in which they are written: each reads what those before it have recorded."""
    order = [group["name"] for group in yaml.safe_load(written.read_text())["groups"]]
    tests = {"rule_files": [str(written)], "evaluation_interval": f"{step}s", "group_eval_order": order, "tests": units}
    path = written.with_name("tests.yaml")
    path.write_text(yaml.safe_dump(tests))
    return promtool("test", "rules", path)
