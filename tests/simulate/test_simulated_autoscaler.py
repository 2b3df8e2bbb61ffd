"""The HPA's rule: the examples of Kubernetes' documentation, and the cases of its controller's own tests."""

from __future__ import annotations

import pytest

from substrate.simulate.autoscaler import (
    Autoscaler,
    Behaviour,
    PodMetric,
    cpu_wish,
    external_wish,
    pods_wish,
    value_wish,
)

LONG_AGO = -10_000.0


def ready(*values: float | None) -> list[PodMetric]:
    return [PodMetric(value, LONG_AGO, LONG_AGO, sampled=0.0, window=15.0) for value in values]


@pytest.mark.parametrize(
    ("values", "target", "wish"),
    [
        # kubernetes.io/docs, "Algorithm details": 200m where 100m is wanted doubles, 50m halves.
        ((0.2,), 0.1, 2),
        ((0.2, 0.2, 0.2), 0.1, 6),
        ((0.05, 0.05), 0.1, 1),
        # "skips any scaling action if the ratio is sufficiently close to 1.0 (within ... 0.1)".
        ((0.109, 0.109), 0.1, 2),
        ((0.091, 0.091), 0.1, 2),
        ((0.112, 0.112), 0.1, 3),
        # Without metrics: "100% of the desired value in case of a scale down, and 0% in case of a scale up".
        ((0.2, 0.2, None), 0.1, 4),
        ((0.02, None, None), 0.1, 3),
        ((0.2, None), 0.1, 2),
    ],
)
def test_the_documents_examples_of_the_mean_over_pods(values, target, wish):
    assert pods_wish(ready(*values), target, len(values)) == wish


@pytest.mark.parametrize(
    ("cores", "target", "request_", "wish"),
    [
        # replica_calculator_test.go, TestReplicaCalcScaleUp and ScaleDown: 300m, 500m, 700m of 1 core at 30 %.
        ((0.3, 0.5, 0.7), 30, 1.0, 5),
        ((0.1, 0.3, 0.5, 0.25, 0.25), 50, 1.0, 3),
        # TestReplicaCalcTolerance: 1.01 of the target changes nothing.
        ((0.5, 0.505, 0.52), 100, 0.5, 3),
        # One core spun by the engine's loop: a quarter of four cores never reaches 80 %.
        ((1.09,), 80, 4.0, 1),
        ((1.09,), 80, 1.0, 2),
    ],
)
def test_the_controllers_examples_of_cpu(cores, target, request_, wish):
    assert cpu_wish(ready(*cores), target, request_, len(cores), now=1000.0) == wish


@pytest.mark.parametrize(
    ("pods", "wish"),
    [
        # TestReplicaCalcScaleUpUnreadyLessScale: 300m (not ready), 500m, 700m of 1 core at 30 %: 4, not 5.
        ([PodMetric(0.3, 900.0, None, 990.0, 15.0), *ready(0.5, 0.7)], 4),
        # The same while it is ready, but its sample began before: it counts as idle.
        ([PodMetric(0.3, 900.0, 985.0, 990.0, 15.0), *ready(0.5, 0.7)], 4),
        # And once its sample lies after: TestReplicaCalcScaleUp.
        ([PodMetric(0.3, 900.0, 970.0, 990.0, 15.0), *ready(0.5, 0.7)], 5),
        # TestReplicaCalcScaleUpUnreadyNoScale: 400m, and two that are not ready: nothing.
        ([*ready(0.4), PodMetric(0.5, 900.0, None, 990.0, 15.0), PodMetric(0.7, 900.0, None, 990.0, 15.0)], 3),
    ],
)
def test_a_pod_that_starts_counts_as_idle_when_scaling_on_cpu(pods, wish):
    assert cpu_wish(pods, 30, 1.0, len(pods), now=1000.0) == wish


@pytest.mark.parametrize(
    ("usage", "target", "replicas", "wish"),
    [
        (40.0, 16.0, 1, 3),
        (17.5, 16.0, 1, 1),  # 1.09: within a tenth
        (17.7, 16.0, 1, 2),
        (0.0, 16.0, 4, 0),
        # Replicas that do not answer yet count: nothing more is asked for while they start.
        (128.0, 16.0, 8, 8),
        (128.0, 16.0, 0, 8),
    ],
)
def test_an_external_metrics_average_is_over_all_replicas_ready_or_not(usage, target, replicas, wish):
    assert external_wish(usage, target, replicas) == wish


@pytest.mark.parametrize(
    ("usage", "replicas", "there", "wish"),
    [(4.0, 2, 2, 4), (2.1, 2, 2, 2), (1.0, 2, 2, 1), (4.0, 4, 2, 4), (4.0, 0, 0, 2)],
)
def test_an_external_metrics_value_multiplies_the_replicas_that_are_ready(usage, replicas, there, wish):
    assert value_wish(usage, 2.0, replicas, there) == wish


def decided(wishes: list[int], most: int = 50, behaviour: Behaviour | None = None, start: int = 1) -> list[int]:
    scaler = Autoscaler(1, most, behaviour or Behaviour())
    replicas, seen = start, []
    for number, wish in enumerate(wishes, start=1):
        replicas = scaler.decide(replicas, [wish], 15.0 * number)
        seen.append(replicas)
    return seen


def test_replicas_come_four_or_twofold_every_fifteen_seconds():
    assert decided([50] * 5) == [5, 10, 20, 40, 50]


def test_a_policy_of_one_pod_a_minute_adds_one_a_minute():
    slow = Behaviour(up_pods=1, up_percent=0, up_period=60.0)
    assert decided([9] * 9, behaviour=slow) == [2, 2, 2, 2, 3, 3, 3, 3, 4]


def test_replicas_go_only_when_none_was_needed_for_the_window():
    wishes = [8, 8, *[2] * 25]
    assert decided(wishes, start=8)[:20] == [8] * 20
    assert decided(wishes, start=8)[21:] == [2] * 6


def test_ten_percent_a_minute_takes_8_of_80_then_8_of_72():
    """The documents' example: at most 10 % a minute, 80 replicas to 10: 72, then 64 (7.2 rounded up to 8)."""
    slow = Behaviour(down_percent=10, down_period=60.0, down_window=0.0)
    seen = decided([10] * 9, most=100, behaviour=slow, start=80)
    assert [seen[0], seen[4], seen[8]] == [72, 64, 57]


def test_four_pods_or_ten_percent_a_minute_takes_the_larger():
    """The documents' example, with four pods a minute beside: below 40 replicas the four win."""
    slow = Behaviour(down_percent=10, down_pods=4, down_period=60.0, down_window=0.0)
    assert decided([1] * 5, behaviour=slow, start=20)[::4] == [16, 12]


def test_the_largest_wish_counts_and_none_changes_nothing():
    scaler = Autoscaler(1, 10, Behaviour())
    assert scaler.decide(2, [1, 5, 3], 15.0) == 5
    assert scaler.decide(5, [], 30.0) == 5
    assert scaler.decide(5, [99], 45.0) == 10
