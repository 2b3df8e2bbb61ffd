"""What a reviewer would reject in a shipped stack is refused by the rule that is meant for it, and by no other."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from policies.judge import Finding, checks
from policies.resources.objects import objects_of
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rules import RULES
from policies.settings import Settings
from tests.policies.judging import token, urn
from tests.policies.mutations import MUTATIONS, Mutation
from tests.policies.test_policy_own_stacks import manifests
from tests.stacks import STACKS, plan_of

Manifest = dict[str, Any]


@cache
def shipped(stack: str) -> list[Manifest]:
    return manifests(plan_of(stack))


def told(stack: list[Manifest]) -> set[str]:
    """The rules that tell of anything, by the judge itself; the examples go through the engine's protocol."""
    objects = (obj for one in stack for obj in objects_of(token(one), one, urn(one)))
    judged = Stack(Subject(obj, Settings()) for obj in objects)
    outcomes = (outcome for check in checks(RULES, judged) for outcome in check.outcomes())
    return {outcome.rule.name for outcome in outcomes if isinstance(outcome, Finding)}


@pytest.mark.parametrize("stack", STACKS)
def test_stack_without_a_change_is_told_nothing(stack: str) -> None:
    assert told(shipped(stack)) == set()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)
def test_change_is_refused_by_the_rule_that_is_meant_for_it(mutation: Mutation) -> None:
    changed = deepcopy(shipped(mutation.stack))
    mutation.change(changed)

    assert told(changed) == set(mutation.rules)


def test_there_are_sixty_changes_and_more() -> None:
    assert len({mutation.what for mutation in MUTATIONS}) >= 60
