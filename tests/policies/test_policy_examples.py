"""Every rule refuses its example, tells of nothing else in it, and lets the mended one pass; by the SDK's analyzer."""

from __future__ import annotations

import re

import pytest

from policies.rule import Level
from policies.rules import RULES
from tests.policies.examples import EXAMPLES, together
from tests.policies.judging import judge, name

LEVELS = {rule.name: rule.level for rule in RULES}


def test_every_rule_has_an_example_and_every_example_a_rule() -> None:
    assert EXAMPLES.keys() == LEVELS.keys()


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_refuses_its_example_and_nothing_else_does(rule: str) -> None:
    example = EXAMPLES[rule]
    (found,) = judge(*example.refused)

    assert example.found in found.message
    assert f"  rule: {rule} (" in found.message
    assert re.search(rf"[/ ]{name(example.refused[-1])}: ", found.message)
    assert found.mandatory == (LEVELS[rule] == Level.MANDATORY)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_mended_example_passes_and_every_rule_could_judge_it(rule: str) -> None:
    told = [one for one in judge(*EXAMPLES[rule].passed) if " is exempt from " not in one.message]

    assert told == []


def test_examples_in_one_stack_are_judged_as_each_in_its_own() -> None:
    found = judge(*together.refused().values())

    assert sorted(one.message.rpartition("  rule: ")[2].partition(" (")[0] for one in found) == sorted(EXAMPLES)
