"""What the component Autoscaler registers, in which order, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest

from components import Autoscaler, foundations
from substrate.manifests import autoscaling
from tests.stacks import plan_of, server

ASLEEP = "qwen2-5-7b-fallback"


def kinds(seen):
    return sorted(each.type.split(":")[-1] for each in seen)


def test_scaler_reaches_the_api_exactly_as_it_was_built(build):
    one = server(plan_of("fleet"), "qwen2-5-14b-assist")
    seen = {each.type.split(":")[-1]: each for each in build(lambda: Autoscaler("qwen", one))}
    (made,) = autoscaling.objects(one)

    assert set(seen) == {"Autoscaler", "ScaledObject"}
    assert seen["ScaledObject"].inputs == made
    assert seen["ScaledObject"].parent == seen["Autoscaler"].urn


def test_a_horizontal_pod_autoscaler_stands_where_the_stack_scales_through_the_adapter(build):
    seen = build(lambda: Autoscaler("qwen", server(plan_of("homelab"), "qwen2-5-7b")))

    assert kinds(seen) == ["Autoscaler", "HorizontalPodAutoscaler"]


def test_what_wakes_a_model_is_there_before_what_takes_it_to_zero(build):
    seen = {each.type.split(":")[-1]: each for each in build(lambda: Autoscaler("a", server(plan_of("fleet"), ASLEEP)))}
    before = {seen[kind].urn for kind in ("HTTPScaledObject", "ReferenceGrant", "Service")}

    assert before <= set(seen["ScaledObject"].dependencies)


def test_scaler_comes_after_the_workload_that_it_scales(build):
    one = server(plan_of("fleet"), "qwen2-5-14b-assist")
    seen = {each.type.split(":")[-1]: each for each in build(lambda: foundations.serve(one, pulumi.ResourceOptions()))}

    assert seen["Deployment"].urn in seen["ScaledObject"].dependencies


def test_a_server_that_nothing_scales_has_its_workload_alone(build):
    one = server(plan_of("local"), "smollm2-135m")
    plain = replace(one, scaling=None)

    assert kinds(build(lambda: foundations.serve(plain, pulumi.ResourceOptions()))) == ["Deployment", "VllmService"]


def test_scaler_hands_its_intent_to_policies(build):
    one = server(plan_of("fleet"), "qwen2-5-14b-assist")
    (intent,) = [each.inputs for each in build(lambda: Autoscaler("q", one)) if each.type.endswith(":Autoscaler")]

    assert (intent["scaling"]["through"], intent["scaling"]["max"]) == ("keda", 2)


def test_server_without_a_scaler_is_refused(build):
    one = replace(server(plan_of("local"), "smollm2-135m"), scaling=None)

    with pytest.raises(ValueError, match="smollm2-135m has no scaler of ours"):
        build(lambda: Autoscaler("one", one))
