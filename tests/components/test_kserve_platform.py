"""What is said of an install of KServe that cannot do what a stack asks, and what is registered of one that can."""

from __future__ import annotations

import pulumi
import pytest

from components import KServePlatform, KServeService
from components.checks import refuse
from components.kserve_platform import KNATIVE_FEATURES, feature_problems, problems, version_problem
from substrate.plan import StackPlan
from tests.stacks import document, plan_document, plan_of, server

MODEL = "smollm2-135m"


@pytest.fixture
def plan(tmp_path) -> StackPlan:
    data = document("local")
    data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve"}
    return plan_document(data, tmp_path, "local")


def controller(image: str) -> dict[str, object]:
    return {"template": {"spec": {"containers": [{"name": "manager", "image": image}]}}}


@pytest.mark.parametrize("image", ["kserve/kserve-controller:v0.19.0", "mirror.example:5000/kserve:v0.16.2-r1"])
def test_controller_that_was_tested_passes(image):
    assert version_problem(controller(image)) == []


@pytest.mark.parametrize(("image", "said"), [("kserve/kserve-controller:v0.15.2", "0.15"), ("x/y:0.22.0", "0.22")])
def test_controller_of_another_version_is_named_with_a_way_out(image, said):
    (problem,) = version_problem(controller(image))

    assert f"KServe {said} is installed" in problem
    assert "foundation: plain" in problem


def test_controller_that_is_pinned_by_digest_is_not_judged():
    assert version_problem(controller("kserve/kserve-controller@sha256:" + "a" * 64)) == []


def test_knative_that_refuses_our_pods_is_told_with_the_patch_that_mends_it():
    (problem,) = feature_problems({"kubernetes.podspec-tolerations": "enabled"})

    assert "kubernetes.podspec-persistent-volume-claim" in problem
    assert "podspec-tolerations" not in problem
    assert "kubectl patch configmap config-features -n knative-serving" in problem


def test_knative_with_its_switches_on_passes():
    assert feature_problems(dict.fromkeys(KNATIVE_FEATURES, "Enabled")) == []


def test_each_thing_is_judged_by_what_it_is():
    old = controller("kserve/kserve-controller:v0.15.2")

    assert problems("InferenceService", controller("kserve/kserve-controller:v0.19.0")) == []
    assert "KServe 0.15 is installed" in problems("InferenceService", old)[0]
    assert "Knative Serving refuses" in problems("features", {})[0]
    assert problems("inferenceservices.serving.kserve.io", {"versions": []}) == []


def test_problems_end_the_program_with_their_text_alone_and_each_once():
    refuse([[], []])
    with pytest.raises(pulumi.RunError) as raised:
        refuse([["a is wrong"], ["b is wrong"], ["a is wrong"]])

    assert str(raised.value) == "a is wrong\nb is wrong"


def test_platform_makes_the_runtimes_of_its_models_only(build, plan):
    seen = build(lambda: KServePlatform("kserve", plan.kserve))

    assert [each.name for each in seen if each.type.endswith(":ClusterServingRuntime")] == ["local-llama-cpp-cpu"]


def test_service_waits_as_long_as_its_cold_start_may_take(build, plan):
    one = server(plan, MODEL)
    seen = build(lambda: KServeService("m", one))
    (made,) = [each for each in seen if each.type.endswith(":InferenceService")]

    assert made.create_timeout == f"{one.startup.progress_deadline + one.grace + 60:.0f}s"


def test_server_of_another_foundation_is_refused(build):
    with pytest.raises(ValueError, match="planned for plain"):
        build(lambda: KServeService("m", server(plan_of("local"), MODEL)))


def test_llm_service_of_a_version_that_is_not_served_is_a_problem():
    (problem,) = problems(
        "llminferenceservices.serving.kserve.io", {"versions": [{"name": "v1alpha1", "served": True}]}
    )

    assert "serves LLMInferenceService as v1alpha1" in problem


@pytest.fixture
def installing(tmp_path) -> StackPlan:
    data = document("local")
    data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve"}
    charts = {"chart": "oci://charts.example/kserve-resources", "crds": "oci://charts.example/kserve-crd"}
    data["config"]["substrate:cluster"]["kserve"] = {"install": {**charts, "version": "v0.19.0"}}
    return plan_document(data, tmp_path, "local")


def test_install_is_released_in_order_and_runtimes_come_after_it(build, installing):
    seen = build(lambda: KServePlatform("kserve", installing.kserve))
    names = {each.urn: each.name for each in seen}
    crds, resources = (each for each in seen if each.type == "kubernetes:helm.sh/v3:Release")
    (runtime,) = (each for each in seen if each.type.endswith(":ClusterServingRuntime"))

    assert [crds.name, resources.name] == ["kserve/kserve-crd", "kserve/kserve-resources"]
    assert crds.name in {names.get(urn) for urn in resources.dependencies}
    assert resources.name in {names.get(urn) for urn in runtime.dependencies}


def test_install_that_somebody_else_made_is_released_by_nobody_here(build, plan):
    seen = build(lambda: KServePlatform("kserve", plan.kserve))

    assert not [each for each in seen if each.type == "kubernetes:helm.sh/v3:Release"]


def test_service_with_a_transformer_gets_a_disruption_budget_for_what_is_behind_it(build, tmp_path):
    data = document("local")
    part = {"image": "registry.example/prompts:1.2.0", "memory": "256Mi"}
    data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve", "kserve": {"transformer": part}}
    one = server(plan_document(data, tmp_path, "local"), MODEL)
    seen = build(lambda: KServeService("m", one))

    budgets = [each.name for each in seen if each.type.endswith(":PodDisruptionBudget")]
    assert budgets == [f"home/{MODEL}-kserve-predictor"]
