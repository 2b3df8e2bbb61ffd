"""Rollout arithmetic."""

import pytest

from substrate.plan.rollout import rollout
from substrate.plan.types import RolloutPlan


@pytest.mark.parametrize(
    ("pool", "reserved", "replica", "expected"),
    [
        (1, 1, 1, RolloutPlan(0, 1, 0)),
        (2, 1, 1, RolloutPlan(1, 0, 1)),
        (8, 8, 1, RolloutPlan(0, 1, 0)),
        (8, 6, 4, RolloutPlan(0, 1, 0)),
        (8, 4, 4, RolloutPlan(1, 0, 1)),
    ],
)
def test_single_gpu_rollout_never_waits_for_a_second_gpu(pool, reserved, replica, expected):
    assert rollout(pool, reserved, replica) == expected
