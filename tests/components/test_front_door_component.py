"""What the front door registers, in which order, and what stays of it."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest

from components import FrontDoor, Model
from substrate.manifests import front_door
from substrate.plan import FrontDoorPlan
from tests.components.test_components import kinds, one
from tests.stacks import plan_of, server


@pytest.fixture
def plan() -> FrontDoorPlan:
    found = plan_of("local").front_door
    assert found
    return found


def test_front_door_makes_its_own_namespace_and_all_in_it(build, plan):
    seen = build(lambda: FrontDoor("front-door", plan))
    component = one(seen, "FrontDoor")

    policies = ["NetworkPolicy"] * 2
    inside = ["Deployment", "FrontDoor", "HTTPRoute", "Namespace", *policies, "PodDisruptionBudget", "Service"]
    assert kinds(seen) == ["ConfigMap", *inside]
    assert all(child.parent == component.urn for child in seen if child is not component)


def test_deployment_starts_after_the_files_that_it_reads(build, plan):
    seen = build(lambda: FrontDoor("front-door", plan))

    assert {one(seen, "Namespace").urn, one(seen, "ConfigMap").urn} <= set(one(seen, "Deployment").dependencies)


def test_what_closes_the_namespace_comes_after_what_is_let_through(build, plan):
    seen = {
        each.inputs["metadata"]["name"]: each for each in build(lambda: FrontDoor("front-door", plan)) if policy(each)
    }

    assert seen["front-door"].urn in seen["default-deny"].dependencies


def test_stack_without_network_policies_closes_nothing(build, plan):
    seen = build(lambda: FrontDoor("front-door", replace(plan, network=None)))

    assert not [each for each in seen if policy(each)]


def policy(resource):
    return resource.type.endswith(":NetworkPolicy")


def test_objects_reach_the_api_exactly_as_they_were_built(build, plan):
    seen = build(lambda: FrontDoor("front-door", plan))

    assert one(seen, "Deployment").inputs == front_door.deployment(plan)
    assert one(seen, "ConfigMap").inputs == front_door.config_map(plan)


def test_namespace_that_holds_somebodys_secret_is_kept(build, plan):
    seen = build(lambda: FrontDoor("front-door", plan))

    assert [each.type.split(":")[-1] for each in seen if each.retain_on_delete] == ["Namespace"]


def test_its_first_look_for_a_model_is_after_the_models_service(build, plan):
    def program():
        model = Model("smol", server(plan_of("local"), "smollm2-135m"))
        FrontDoor("front-door", plan, pulumi.ResourceOptions(depends_on=[model]))

    seen = build(program)
    (service,) = [each for each in seen if each.name == "home/smollm2-135m" and each.type.endswith(":Service")]
    assert service.urn in one(seen, "Deployment").dependencies


def test_intent_reaches_policies_as_plain_values_and_is_waited_for(build, plan):
    seen = build(lambda: FrontDoor("front-door", plan))

    assert one(seen, "FrontDoor").inputs["models"][0]["servedName"] == "smollm2-135m-instruct"
    assert one(seen, "Deployment").create_timeout == f"{front_door.PROGRESS_SECONDS + 60}s"
