"""BentoML's objects: what a bento's pods need, and who may reach the stages of a pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.manifests import bento, model
from substrate.plan import ServerPlan
from tests.policies.judging import judge
from tests.stacks import document, plan_document, server

STAGES = {
    "prepare": {"service": "Prepare", "cpus": "250m"},
    "score": {"service": "Score", "depends": ["prepare"], "replicas": 2},
    "entry": {"service": "Pipeline", "depends": ["score"]},
}
WEIGHTS = {"from": "s3://bentos/iris/", "files": {"bento.yaml": {"sha256": "a" * 64, "size": "1Mi"}}}
STAGED = {"weights": WEIGHTS, "bento": {"stages": STAGES}}
HELD = {"bento": {"image": "registry.example/iris:1.0.0"}}


@pytest.fixture
def planned(tmp_path):
    def plan(**settings: Any) -> ServerPlan:
        data = document("local")
        data["config"]["substrate:models"] = {"iris": {"pool": "cpu", "foundation": "bentoml", **settings}}
        return server(plan_document(data, tmp_path, "local"), "iris")

    return plan


def entry(plan: ServerPlan) -> dict[str, Any]:
    assert plan.bento
    return bento.deployment(plan, plan.bento)


def stages(plan: ServerPlan) -> dict[tuple[str, str], dict[str, Any]]:
    assert plan.bento
    made = bento.stage_objects(plan, plan.bento)
    return {(each["kind"], each["metadata"]["name"].removeprefix("iris-bentoml-")): each for each in made}


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def matched(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_bento_that_is_not_ready_is_not_ended_for_it(planned):
    found = container(entry(planned(**HELD)))

    assert found["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert found["readinessProbe"]["httpGet"]["path"] == found["startupProbe"]["httpGet"]["path"] == "/readyz"


def test_endpoint_goes_before_the_server_is_told_to_end(planned):
    assert container(entry(planned(**HELD)))["lifecycle"]["preStop"] == {"sleep": {"seconds": 15}}


def test_image_runs_under_the_user_that_it_was_made_for_and_mounts_no_weights(planned):
    pod = entry(planned(**HELD))["spec"]["template"]["spec"]
    security = pod["securityContext"]

    assert (security["runAsUser"], security["runAsGroup"], security["runAsNonRoot"]) == (1034, 1034, True)
    assert [volume["name"] for volume in pod["volumes"]] == ["scratch"]


def test_staged_bento_lies_read_only_where_the_image_looks_for_it(planned):
    plan = planned(weights=WEIGHTS)
    mounts = {mount["name"]: mount for mount in container(entry(plan))["volumeMounts"]}

    assert mounts["weights"]["mountPath"] == "/home/bentoml/bento"
    assert mounts["weights"]["readOnly"]


def test_url_of_the_model_leads_to_the_entry_and_to_no_other_stage(planned):
    plan = planned(**STAGED)
    selector = model.service(plan, plan.model)["spec"]["selector"]
    pods = {
        key: each["spec"]["template"]["metadata"]["labels"]
        for key, each in stages(plan).items()
        if key[0] == "Deployment"
    }

    assert matched(selector, entry(plan)["spec"]["template"]["metadata"]["labels"])
    assert [key for key, labels in pods.items() if matched(selector, labels)] == []


def test_each_stage_has_a_deployment_a_service_a_budget_and_a_policy_that_select_its_pods_alone(planned):
    made = stages(planned(**STAGED))
    pods = {
        key[1]: each["spec"]["template"]["metadata"]["labels"] for key, each in made.items() if key[0] == "Deployment"
    }
    selectors = {
        "Deployment": lambda spec: spec["selector"]["matchLabels"],
        "Service": lambda spec: spec["selector"],
        "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
        "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
    }

    assert set(made) == {(kind, stage) for kind in selectors for stage in ("prepare", "score")}
    for (kind, stage), each in made.items():
        found = selectors[kind](each["spec"])
        assert [name for name, labels in pods.items() if matched(found, labels)] == [stage], kind


def test_only_who_asks_a_stage_may_reach_it(planned):
    plan = planned(**STAGED)
    made = stages(plan)
    pods = {
        key[1]: each["spec"]["template"]["metadata"]["labels"] for key, each in made.items() if key[0] == "Deployment"
    }
    pods["entry"] = entry(plan)["spec"]["template"]["metadata"]["labels"]

    def admitted(stage: str) -> list[str]:
        (rule,) = made["NetworkPolicy", stage]["spec"]["ingress"]
        assert rule["ports"] == [{"protocol": "TCP", "port": 3000}]
        froms = [each["podSelector"]["matchLabels"] for each in rule["from"]]
        return sorted(name for name, labels in pods.items() if any(matched(each, labels) for each in froms))

    assert (admitted("prepare"), admitted("score")) == (["score"], ["entry"])
    assert made["NetworkPolicy", "score"]["spec"]["policyTypes"] == ["Ingress"]


def test_stage_has_its_own_size_replicas_and_arguments(planned):
    made = stages(planned(**STAGED))
    prepare, score = made["Deployment", "prepare"], made["Deployment", "score"]

    assert (prepare["spec"]["replicas"], score["spec"]["replicas"]) == (1, 2)
    assert container(prepare)["resources"]["requests"]["cpu"] == "250m"
    assert "--service-name=Score" in container(score)["args"]


@pytest.mark.parametrize("settings", [HELD, STAGED], ids=["held by its image", "in stages"])
def test_policies_find_nothing_in_a_bento(planned, settings):
    plan = planned(**settings)

    assert judge(entry(plan), *stages(plan).values(), *model.faces(plan)) == []
