"""Nobody's ordinary work is refused: the pack is silent on what it is not about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import judge
from tests.policies.ordinary import ORDINARY


@pytest.mark.parametrize("stack", ORDINARY.values(), ids=ORDINARY.keys())
def test_ordinary_stack_raises_no_alarm(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []
