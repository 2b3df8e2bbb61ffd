"""Cold start arithmetic."""

from substrate.plan.startup import cold_start, staging_timeout
from substrate.values import Bytes, Duration


def test_expected_cold_start_is_bytes_over_read_speed_plus_engine_start():
    plan = cold_start(Bytes.parse("11Gi"), 110, Duration(60))

    assert plan.read == 11 * 1024 / 110
    assert plan.expected == plan.read + 60


def test_budget_allows_twice_the_expected_cold_start():
    plan = cold_start(Bytes.parse("11Gi"), 110, Duration(60))

    assert plan.budget == round(2 * plan.expected)


def test_tiny_model_still_gets_a_budget_that_a_busy_node_can_keep():
    assert cold_start(Bytes.parse("1Mi"), 3000, Duration(1)).budget == 30


def test_rollout_deadline_leaves_time_to_pull_the_image():
    plan = cold_start(Bytes.parse("1Gi"), 100, Duration(10))

    assert plan.progress_deadline == plan.budget + 600


def test_staging_of_a_large_model_is_waited_for_longer_than_the_providers_ten_minutes():
    assert staging_timeout(Bytes.parse("1Gi")) == 600
    assert staging_timeout(Bytes.parse("140Gi")) == 140 * 1024 / 5
