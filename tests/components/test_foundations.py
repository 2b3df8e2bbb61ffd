"""The question whether a model may move: asked only where it can be refused."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from components import foundations
from tests.stacks import document, plan_document, plan_of

MODEL = "smollm2-135m"


@pytest.fixture
def full(tmp_path):
    """A stack whose only model fills its pool."""
    data = document("local")
    data["config"]["substrate:pools"]["cpu"]["nodeCpus"] = 1
    return plan_document(data, tmp_path, "local")


def answering(monkeypatch: pytest.MonkeyPatch, found: dict[str, str]) -> list[Path]:
    asked: list[Path] = []

    def last(project: Path) -> dict[str, str]:
        asked.append(project)
        return found

    monkeypatch.setattr(foundations, "last", last)
    return asked


def test_stack_with_room_for_every_move_asks_nothing(monkeypatch):
    asked = answering(monkeypatch, {MODEL: "kserve"})
    foundations.permit(plan_of("local"), Path())

    assert asked == []


def test_move_without_room_ends_the_program_with_the_refusal_alone(monkeypatch, full):
    answering(monkeypatch, {MODEL: "kserve"})

    with pytest.raises(pulumi.RunError, match="downtime: allow"):
        foundations.permit(full, Path())


def test_model_that_stays_where_it_is_needs_no_room(monkeypatch, full):
    asked = answering(monkeypatch, {MODEL: "plain"})
    foundations.permit(full, Path())

    assert len(asked) == 1
