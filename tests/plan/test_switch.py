"""A move between foundations: allowed where both fit side by side, or where the model may be away meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.manifests import kserve, serving
from substrate.plan import StackPlan, switch
from tests.stacks import document, plan_document, server

MODEL = "smollm2-135m"


@pytest.fixture
def planned(tmp_path):
    def build(cores: int, **settings: Any) -> StackPlan:
        data = document("local")
        data["config"]["substrate:pools"]["cpu"]["nodeCpus"] = cores
        data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve", **settings}
        return plan_document(data, tmp_path, "local")

    return build


def test_move_is_allowed_where_both_fit_side_by_side(planned):
    assert switch.refusals(planned(2), {MODEL: "plain"}) == []


def test_move_on_a_full_pool_is_refused_and_says_what_would_allow_it(planned):
    (refusal,) = switch.refusals(planned(1), {MODEL: "plain"})

    assert f"model {MODEL} moves from plain to kserve" in refusal
    assert "room for 0 of the 1 replicas" in refusal
    assert "`downtime: allow`" in refusal


def test_move_on_a_full_pool_is_allowed_by_its_word_and_not_waited_for(planned):
    plan = planned(1, downtime="allow")
    one = server(plan, MODEL)

    assert switch.refusals(plan, {MODEL: "plain"}) == []
    assert kserve.waiting(one) == {}
    assert serving.waiting(one) == {"pulumi.com/skipAwait": "true"}


@pytest.mark.parametrize("before", [{}, {MODEL: "kserve"}, {"another": "plain"}])
def test_model_that_stays_or_is_new_needs_no_room(planned, before):
    assert switch.refusals(planned(1), before) == []


def test_word_changes_nothing_where_there_is_room(planned):
    one = server(planned(2, downtime="allow"), MODEL)

    assert kserve.waiting(one) == {"pulumi.com/waitFor": "condition=Ready"}
    assert serving.waiting(one) == {}
