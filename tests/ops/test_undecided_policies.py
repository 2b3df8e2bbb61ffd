"""A rule that could not be decided is a failure, whatever its level became."""

import pytest

from ops import pulumi
from ops.console import Failure


def test_preview_with_an_undecided_rule_fails_though_pulumi_says_zero(monkeypatch):
    advisory = "  [advisory]  can't run policy 'llm' during preview: unknown value\n"
    monkeypatch.setattr(pulumi, "stream", lambda _: (0, advisory))

    with pytest.raises(Failure, match="could not be decided"):
        pulumi.preview("local")


def test_refused_preview_says_that_nothing_was_changed(monkeypatch):
    monkeypatch.setattr(pulumi, "stream", lambda _: (255, "mandatory violation\n"))

    with pytest.raises(Failure, match="nothing was changed"):
        pulumi.preview("local")
