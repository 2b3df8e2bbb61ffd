"""A label selector matches what the API's own does."""

from __future__ import annotations

from typing import Any

import pytest

from policies.resources.selecting import selects

LABELS = {"app": "llama", "tier": "hot"}


def requirement(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "llama"}}, True),
        ({"matchLabels": {"app": "llama", "tier": "hot"}}, True),
        ({"matchLabels": {"app": "llama", "tier": "standard"}}, False),
        ({"matchLabels": {"release": "stable"}}, False),
        (requirement("app", "In", "qwen", "llama"), True),
        (requirement("app", "In", "qwen"), False),
        (requirement("release", "In", "stable"), False),
        (requirement("app", "NotIn", "qwen"), True),
        (requirement("app", "NotIn", "llama"), False),
        (requirement("release", "NotIn", "stable"), True),
        (requirement("app", "Exists"), True),
        (requirement("release", "Exists"), False),
        (requirement("release", "DoesNotExist"), True),
        (requirement("app", "DoesNotExist"), False),
        (requirement("app", "Near", "llama"), False),
        ({"matchLabels": {"app": "llama"}, **requirement("tier", "NotIn", "hot")}, False),
    ],
)
def test_selector_matches_as_the_api_does(selector: dict[str, Any] | None, matches: bool) -> None:
    assert selects(selector, LABELS) is matches
