"""A plan as a simulation takes it: the stack's own way to scale, with its targets, speed and waker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from substrate.plan.scaling import KNATIVE
from substrate.simulate.choices import Target, Wake
from substrate.simulate.planned import Bounds, own
from tests.stacks import plan_of, server


def test_targets_bounds_and_speed_are_the_plans():
    planned = server(plan_of("fleet"), "llama-3-1-8b-assist")
    choice = own(planned, Bounds(planned.min_replicas, planned.max_replicas))

    assert choice.targets == (Target("inFlight", 16), Target("waiting", 5))
    assert (choice.least, choice.most, choice.wake) == (2, 3, None)
    assert choice.behaviour.down_window == planned.scaling.behaviour.down_window


def test_a_model_that_rests_at_zero_is_woken_as_its_plan_says():
    planned = server(plan_of("fleet"), "qwen2-5-7b-fallback")
    wake = planned.scaling.wake

    delay = wake.first_request - planned.startup.expected
    assert own(planned, Bounds(0, 1)).wake == Wake(wake.idle, delay, wake.target)
    assert 0 < delay < 30


def test_without_a_scaler_a_model_stays_at_its_least():
    planned = replace(server(plan_of("fleet"), "llama-3-1-8b-assist"), scaling=None)

    assert own(planned, Bounds(2, 3)).most == 2


def test_what_knative_scales_is_refused():
    planned = server(plan_of("fleet"), "llama-3-1-8b-assist")
    with pytest.raises(ValueError, match="Knative's own autoscaler"):
        own(replace(planned, scaling=replace(planned.scaling, through=KNATIVE)), Bounds(2, 3))
