"""The shipped stacks pass the pack, and the mistakes that the pack is for are refused in them as in anybody's."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.facts.kserve import LLM_INFERENCE_SERVICE
from substrate.manifests import (
    autoscaling,
    bento,
    cluster,
    front_door,
    front_door_network,
    kserve,
    kserve_parts,
    llm_inference_service,
    model,
    network,
    serving,
    staging,
)
from substrate.plan import ServerPlan, StackPlan
from tests.policies.judging import judge, violations
from tests.policies.written import CPU, hpa, scaled_object
from tests.stacks import STACKS, document, plan_document, plan_of

Manifest = dict[str, Any]


def manifests(plan: StackPlan) -> list[Manifest]:
    """Everything that the stack makes, as the engine would see it."""
    staged = [
        part(claim, weights)
        for claim in plan.claims
        for weights in claim.weights
        for part in (staging.config_map, staging.job)
    ]
    claims = [
        *(staging.claim(claim) for claim in plan.claims),
        *(staging.nfs_volume(claim) for claim in plan.claims if claim.nfs),
    ]
    faces = [manifest for server in plan.servers for manifest in [*serving.config_maps(server), *model.faces(server)]]
    return [
        *(cluster.namespace(namespace) for namespace in plan.namespaces),
        *(policy for namespace in plan.namespaces for policy in network.policies(namespace)),
        *claims,
        *staged,
        *faces,
        *(manifest for one in plan.servers for manifest in [*workloads(one), *autoscaling.objects(one)]),
        *(kserve.serving_runtime(runtime) for runtime in (plan.kserve.runtimes if plan.kserve else ())),
    ]


def door(plan: StackPlan) -> list[Manifest]:
    """The front door and what closes its namespace."""
    given = plan.front_door
    assert given
    return [front_door.namespace(given), *front_door_network.policies(given), *front_door.objects(given)]


def workloads(server: ServerPlan) -> list[Manifest]:
    """A server's own workload, and what its foundation makes beside it."""
    if server.bento:
        return [*bento.stage_objects(server, server.bento), bento.deployment(server, server.bento)]
    if server.kserve is None:
        return [serving.deployment(server)]
    made = (
        llm_inference_service.llm_inference_service(server)
        if server.kserve.resource == LLM_INFERENCE_SERVICE
        else kserve.inference_service(server, server.kserve)
    )
    return [*kserve_parts.disruption_budgets(server, server.kserve), made]


def deployments(plan: StackPlan) -> list[Manifest]:
    """Every server as the plain foundation would run it, so that none is left out."""
    return [bento.deployment(one, one.bento) if one.bento else serving.deployment(one) for one in plan.servers]


@pytest.mark.parametrize("stack", STACKS)
def test_shipped_stack_passes_with_no_rule_skipped(stack: str) -> None:
    plan = plan_of(stack)

    assert judge(*manifests(plan), *door(plan)) == []


def test_front_door_is_no_model_and_may_scale_on_cpu() -> None:
    plan = plan_of("fleet").front_door
    assert plan
    scaler = hpa(front_door.NAME, metrics=[CPU], maxReplicas=4)
    scaler["metadata"]["namespace"] = plan.namespace

    assert violations(front_door.deployment(plan), scaler) == []


@pytest.mark.parametrize("foundation", [{}, {"kserve": {"mode": "Standard"}}, {"kserve": {"mode": "Knative"}}])
def test_models_that_log_their_payloads_pass_on_every_foundation(tmp_path, foundation) -> None:
    data = document("local")
    (block,) = data["config"]["substrate:models"].values()
    block |= {"logging": {"sink": "http://events.audit/"}, **foundation}
    block |= {"foundation": "kserve"} if foundation else {}
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    (server,) = plan_document(data, tmp_path).servers
    workload = kserve.inference_service(server, server.kserve) if server.kserve else serving.deployment(server)

    assert "payload-logger" in str(workload)
    assert judge(workload, *model.faces(server)) == []


@pytest.mark.parametrize("foundation", ["plain", "kserve"])
def test_model_below_a_floor_is_refused_unless_its_block_says_until_when_and_why(tmp_path, foundation) -> None:
    data = document("local")
    data["config"]["substrate:defaults"]["images"]["llama.cpp"] = "ghcr.io/ggml-org/llama.cpp:server-b4719"
    (block,) = data["config"]["substrate:models"].values()
    block["foundation"] = foundation

    def told() -> list[str]:
        plan = plan_document(data, tmp_path)
        return violations(*manifests(plan))

    assert told() and all("below llama.cpp b9061" in one for one in told())
    block["exemptions"] = {"below-floor": "until 2999-12-31 the vendor's image is due in March"}
    assert told() == []


@pytest.mark.parametrize("stack", STACKS)
def test_stack_that_other_machines_reach_passes_by_who_asks_for_a_key(stack: str, tmp_path) -> None:
    data = document(stack)
    data["config"]["substrate:cluster"] |= {
        "baseUrl": "https://models.example",
        "gateway": {"authenticatedBy": "Envoy Gateway, by JWTs of login.example"},
    }
    asked = plan_document(data, tmp_path, stack)
    data["config"]["substrate:cluster"]["gateway"] = {"authenticatedBy": "nobody"}
    open_ = plan_document(data, tmp_path, stack)

    assert judge(*manifests(asked), *door(asked)) == []
    told = judge(*manifests(open_), *door(open_))
    routes = sum(len(server.models) for server in open_.servers) + 1
    assert [one.mandatory for one in told] == [False] * routes
    assert all("rule: open-api-by-name" in one.message for one in told)


@pytest.mark.parametrize("stack", STACKS)
def test_route_that_forgets_who_asks_is_refused(stack: str) -> None:
    made = [*manifests(plan_of(stack)), *door(plan_of(stack))]
    routes = [each for each in made if each["kind"] == "HTTPRoute"]
    for route in routes:
        route["metadata"]["annotations"] = {}

    assert len([one for one in violations(*made) if "rule: open-api (" in one]) == len(routes)


@pytest.mark.parametrize("stack", STACKS)
def test_namespace_without_its_closing_policy_is_refused(stack: str) -> None:
    plan = plan_of(stack)
    made = [each for each in manifests(plan) if each["metadata"]["name"] != network.DEFAULT_DENY]
    told = violations(*made)

    assert len(told) == len(plan.namespaces)
    assert all("no NetworkPolicy there closes Ingress\n" in one for one in told), "names are still let out"


@pytest.mark.parametrize("stack", STACKS)
def test_cpu_autoscaler_is_refused_for_every_shipped_language_model_and_no_other(stack: str) -> None:
    for deployment in deployments(plan_of(stack)):
        scaler = hpa(deployment["metadata"]["name"], metrics=[CPU], minReplicas=9, maxReplicas=9)
        scaler["metadata"]["namespace"] = deployment["metadata"]["namespace"]
        language = deployment["metadata"]["labels"]["substrate.dev/workload"] == "llm"
        told = [text for text in violations(deployment, scaler) if "spec.metrics[0] is Resource cpu" in text]

        assert bool(told) == language


@pytest.mark.parametrize("stack", STACKS)
def test_scaler_to_zero_on_the_engines_own_metric_is_refused_for_every_shipped_model(stack: str) -> None:
    for deployment in deployments(plan_of(stack)):
        scaler = scaled_object(deployment["metadata"]["name"], minReplicaCount=0)
        scaler["metadata"]["namespace"] = deployment["metadata"]["namespace"]
        hot = deployment["metadata"]["labels"]["substrate.dev/tier"] == "hot"

        (found,) = [text for text in violations(deployment, scaler) if "spec.minReplicaCount is 0" in text]
        assert ("rule: hot-floor-in-stack" if hot else "rule: zero-without-waker") in found


@pytest.mark.parametrize("stack", STACKS)
def test_writable_weights_are_refused_in_every_shipped_model(stack: str) -> None:
    for deployment in deployments(plan_of(stack)):
        pod = deployment["spec"]["template"]["spec"]
        if not any("persistentVolumeClaim" in volume for volume in pod["volumes"]):
            continue  # its image holds them
        for mount in pod["containers"][0]["volumeMounts"]:
            mount.pop("readOnly", None)
        for volume in pod["volumes"]:
            volume.get("persistentVolumeClaim", {}).pop("readOnly", None)

        assert [text for text in violations(deployment) if "is writable, and claim weights-" in text]


def told(manifests: list[Manifest], rule: str) -> list[str]:
    return [text for text in violations(*manifests) if f"rule: {rule} (" in text]


def test_hot_models_of_the_fleet_without_their_budgets_are_refused() -> None:
    made = manifests(plan_of("fleet"))
    several = [one for one in plan_of("fleet").servers if one.tier == "hot" and one.min_replicas >= 2]

    found = told([one for one in made if one["kind"] != "PodDisruptionBudget"], "no-disruption-budget")

    assert several and len(found) == len(several)


@pytest.mark.parametrize("stack", STACKS)
def test_budget_that_allows_no_eviction_is_refused_for_every_shipped_model(stack: str) -> None:
    made = manifests(plan_of(stack))
    budgets = [one for one in made if one["kind"] == "PodDisruptionBudget"]
    for budget in budgets:
        budget["spec"]["maxUnavailable"] = 0

    assert budgets and len(told(made, "budget-blocks-drain")) == len(budgets)


def test_surge_on_the_homelabs_only_gpu_is_refused() -> None:
    made = manifests(plan_of("homelab"))
    (service,) = [one for one in made if one["kind"] == "InferenceService"]
    del service["spec"]["predictor"]["deploymentStrategy"]

    assert "has 0 of its 1 GPUs free of the 1 for a replica" in told(made, "surge-without-room")[0]


def test_more_replicas_than_a_pool_of_the_fleet_holds_are_refused_once() -> None:
    made = manifests(plan_of("fleet"))
    scalers = [one for one in made if one["kind"] == "ScaledObject" and one["spec"]["minReplicaCount"]]
    scalers[0]["spec"] |= {"minReplicaCount": 99, "maxReplicaCount": 99}

    assert len(told(made, "beyond-the-pool")) == 1
