"""What the command line says of scaling: what the cluster needs, and what prometheus-adapter is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from stacks import stack

from substrate.cli import adapter_rules, needs
from substrate.manifests.adapter_rules import external_rules

MONITORED = ("monitoring", {"prometheus": "http://prometheus.monitoring:9090"})
BESIDE = {"plain", "llama.cpp", "front-door"}


def needed(capsys: pytest.CaptureFixture[str], folder: Path, *changes: tuple[str, Any]) -> set[str]:
    file = folder / "Pulumi.test.yaml"
    data = stack(("frontDoor", {}), *changes)
    file.write_text(json.dumps({"config": {f"substrate:{key}": value for key, value in data.items()}}))
    assert needs.run(file, None) == 0
    return set(capsys.readouterr().out.split()) - BESIDE


@pytest.mark.parametrize(
    ("autoscaling", "extras"),
    [
        ({}, {"prometheus", "keda"}),
        ({"through": "prometheus-adapter"}, {"prometheus", "prometheus-adapter"}),
        ({"through": "keda", "wake": "http-add-on"}, {"prometheus", "keda", "http-add-on"}),
    ],
)
def test_cluster_is_asked_for_what_scales_what_measures_and_what_wakes(capsys, tmp_path, autoscaling, extras) -> None:
    assert needed(capsys, tmp_path, MONITORED, ("autoscaling", autoscaling)) == extras


def test_a_stack_that_is_observed_alone_needs_a_prometheus_and_one_that_is_not_nothing(capsys, tmp_path) -> None:
    assert needed(capsys, tmp_path, MONITORED) == {"prometheus"}
    assert needed(capsys, tmp_path) == set()


def test_an_adapters_rules_are_printed_in_its_own_form_and_in_its_charts(capsys) -> None:
    adapter_rules.run(helm=False)
    own = yaml.safe_load(capsys.readouterr().out)
    adapter_rules.run(helm=True)
    chart = yaml.safe_load(capsys.readouterr().out)

    assert own == {"externalRules": external_rules()}
    assert chart == {"rules": {"external": external_rules()}}
