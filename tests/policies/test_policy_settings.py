"""Levels, exemptions, and what cannot be decided: told, never silent."""

from __future__ import annotations

import datetime

import pytest

from policies import judge as judging
from policies.resources.objects import objects_of
from policies.resources.subject import Subject
from policies.settings import Settings
from tests.policies.examples.exempt import KEY, moving
from tests.policies.judging import RESOURCE, STACK, UNKNOWN, judge, token, violations
from tests.policies.written import CPU, container, hpa, template, workload

MOVING = workload(pod=template(container("nginx:latest")))


def test_level_of_a_rule_is_the_settings_to_say() -> None:
    (told,) = judge(MOVING, config={"levels": {"moving-image": "advisory"}})

    assert (told.policy, told.mandatory) == ("llm-advice", False)
    assert "the tag latest moves" in told.message
    assert judge(MOVING, config={"levels": {"moving-image": "disabled"}}) == []


def test_settings_of_the_first_policy_hold_for_the_others_and_their_own_win() -> None:
    scaled = (workload(), hpa(metrics=[CPU]))
    off = {"levels": {"host-metric-in-stack": "disabled"}}

    assert [one.policy for one in judge(*scaled)] == [STACK]
    assert judge(*scaled, config=off, written_for=RESOURCE) == []
    assert judge(*scaled, config=off, written_for=STACK) == []


def test_exemption_lets_pass_and_is_told_with_its_reason_and_its_end() -> None:
    (told,) = judge(moving("2999-12-31 the vendor ships no tags (PLAT-123)"))

    assert not told.mandatory
    assert "Deployment ml/llama is exempt from moving-image until 2999-12-31: the vendor ships no tags" in told.message


def test_exemption_ends_after_its_day() -> None:
    (obj,) = objects_of(token(MOVING), moving("2027-03-31 soon"))

    def found(day: str) -> bool:
        subject = Subject(obj, Settings(today=datetime.date.fromisoformat(day)))
        return bool(judging.holding(subject))

    assert found("2027-03-31")
    assert not found("2027-04-01")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "does not say until when and why"),
        ("2999-12-31", "does not say until when and why"),
        ("for ever, it is fine", "does not say until when and why"),
        ("2027-02-30 soon", "says 2027-02-30, and there is no such day"),
    ],
)
def test_exemption_that_cannot_be_read_excuses_nothing(written: str, said: str) -> None:
    told = violations(moving(written))

    assert len(told) == 2
    assert [one for one in told if f"annotation {KEY} {said}" in one]


def test_exemption_from_a_rule_that_is_not_there_is_refused() -> None:
    (told,) = violations(workload(annotations={"policy.substrate.dev/moving-imagge": "2999-12-31 why"}))

    assert "names no rule: there is no moving-imagge" in told


def test_unknown_value_is_told_for_an_advisory_rule_too() -> None:
    unknown = workload(pod=template(container(UNKNOWN)))
    told = judge(unknown, config={"levels": {"moving-image": "advisory"}})

    assert [one for one in told if "can't run policy 'llm-advice'" in one.message]
