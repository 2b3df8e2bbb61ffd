"""What `make up` says of scalers that hear nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ops import scalers
from ops.up import awake


def scaler(name: str, most: int = 2, **said: str) -> dict[str, Any]:
    told = [{"type": "ScalingActive", **said}] if said else []
    return {
        "metadata": {"namespace": "home", "name": f"keda-hpa-{name}"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}, "minReplicas": 1, "maxReplicas": most},
        "status": {"conditions": [{"type": "AbleToScale", "status": "True"}, *told]},
    }


HEARS = scaler("one", status="True", reason="ValidMetricFound")
RESTS = scaler("two", status="False", reason="ScalingDisabled", message="the replica count of the target is zero")
INERT = scaler("four", most=1)
DEAF = scaler("three", status="False", reason="FailedGetExternalMetric", message="unable to get external metric")


def test_a_scaler_hears_once_its_controller_can_compute_and_a_model_at_rest_needs_none() -> None:
    assert scalers.deaf([HEARS, RESTS]) == {}


def test_a_scaler_without_an_answer_is_named_by_its_target_in_its_controllers_words() -> None:
    assert scalers.deaf([HEARS, DEAF]) == {"home/three": "unable to get external metric"}


def test_a_scaler_that_has_not_asked_yet_has_heard_nothing() -> None:
    assert scalers.deaf([scaler("four")]) == {"home/four": "it has not asked yet"}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scalers, "HEARD_WITHIN_SECONDS", 0.0)
    monkeypatch.setattr(scalers, "EVERY_SECONDS", 0.0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        ([INERT], ""),
        ([HEARS, RESTS], "2 scalers hear of their models"),
        ([HEARS, DEAF], "`prometheus` under substrate:monitoring in Pulumi.fleet.yaml"),
    ],
)
def test_it_is_told_at_the_end_of_an_update_with_place_and_fix(monkeypatch, capsys, found, said) -> None:
    monkeypatch.setattr(scalers, "scalers", lambda _: found)
    scalers.tell("fleet", ["home"])

    assert said in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_it_is_waited_for_since_a_new_pod_has_not_been_read_yet(monkeypatch, capsys) -> None:
    answers = [[DEAF], [DEAF], [HEARS]]
    monkeypatch.setattr(scalers, "HEARD_WITHIN_SECONDS", 5.0)
    monkeypatch.setattr(scalers, "scalers", lambda _: answers.pop(0))
    scalers.tell("fleet", ["home"])

    assert "1 scalers hear" in capsys.readouterr().out


def test_who_watches_an_update_wakes_no_model_at_rest() -> None:
    outputs = {"endpoints": {"one": "u/one", "two": "u/two"}, "firstRequestSeconds": {"two": 30.0}}

    assert awake(outputs) == {"one": "u/one"}
    assert awake({}) == {}
