"""What observes a stack is registered whole, and judges nobody before there is something to judge."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest

from components import Model, Observability, Team
from substrate.manifests import observability
from substrate.plan import StackPlan
from tests.components.test_components import kinds, one
from tests.engine.alert_cases import MONITORING
from tests.stacks import plan_of, server


@pytest.fixture
def plan() -> StackPlan:
    return replace(plan_of("local"), monitoring=MONITORING)


def observed(build, plan, monitoring=MONITORING):
    return build(lambda: Observability("observability", monitoring, plan))


def test_a_stack_is_read_recorded_judged_and_drawn(build, plan):
    seen = observed(build, plan)

    assert kinds(seen) == [*["ConfigMap"] * 4, "Observability", *["PodMonitor"] * 2, *["PrometheusRule"] * 2]
    component = one(seen, "Observability")
    assert all(child.parent == component.urn for child in seen if child is not component)


def test_without_dashboards_there_is_no_config_map(build, plan):
    seen = observed(build, plan, replace(MONITORING, dashboards=False))

    assert "ConfigMap" not in kinds(seen)


def test_objects_reach_the_api_exactly_as_they_were_built(build, plan):
    seen = observed(build, plan)
    built = [*observability.readers(plan, MONITORING), *observability.judges(plan, MONITORING)]

    made = {each.name: each.inputs for each in seen}
    for each in built:
        name = f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        assert made[name] == each


@pytest.mark.parametrize(("namespace", "read"), [("monitoring", True), ("home", False)])
def test_rules_wait_until_the_prometheus_namespace_was_read_unless_the_stack_makes_it(build, plan, namespace, read):
    seen = observed(build, plan, replace(MONITORING, namespace=namespace))
    rule, *_ = (each for each in seen if each.type.endswith(":PrometheusRule") and each.name.startswith(namespace))

    assert any("substrate:monitoring" in urn for urn in rule.dependencies) is read


def test_what_a_first_start_and_its_staging_do_can_be_seen_while_they_do_it(build, plan):
    """Monitors and rules wait for what is before them, and for no model."""

    def program():
        team = Team("home", plan.namespaces[0])
        model = Model("smol", server(plan, "smollm2-135m"))
        Observability("observability", MONITORING, plan, pulumi.ResourceOptions(depends_on=[team]))
        assert model

    seen = build(program)
    namespace = one(seen, "Namespace").urn
    made = [each for each in seen if each.type.endswith((":PodMonitor", ":PrometheusRule"))]
    of_models = {each.urn for each in seen if each.name == "home/smollm2-135m"}
    assert made and of_models
    assert all(namespace in each.dependencies and not of_models & set(each.dependencies) for each in made)
