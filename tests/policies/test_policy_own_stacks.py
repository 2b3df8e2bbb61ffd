"""The shipped stacks pass the pack, and the mistakes that the pack is for are refused in them as in anybody's."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.manifests import cluster, model, serving, staging
from substrate.plan import StackPlan
from tests.policies.judging import judge, violations
from tests.policies.written import CPU, hpa, scaled_object
from tests.stacks import STACKS, plan_of

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
    faces = [part(server) for server in plan.servers for part in (model.service, model.disruption_budget, model.route)]
    return [
        *(cluster.namespace(namespace) for namespace in plan.namespaces),
        *claims,
        *staged,
        *faces,
        *(serving.deployment(server) for server in plan.servers),
    ]


def deployments(plan: StackPlan) -> list[Manifest]:
    return [manifest for manifest in manifests(plan) if manifest["kind"] == "Deployment"]


@pytest.mark.parametrize("stack", STACKS)
def test_shipped_stack_passes_with_no_rule_skipped(stack: str) -> None:
    assert judge(*manifests(plan_of(stack))) == []


@pytest.mark.parametrize("stack", STACKS)
def test_cpu_autoscaler_for_any_shipped_model_is_refused(stack: str) -> None:
    for deployment in deployments(plan_of(stack)):
        scaler = hpa(deployment["metadata"]["name"], metrics=[CPU], minReplicas=9, maxReplicas=9)
        scaler["metadata"]["namespace"] = deployment["metadata"]["namespace"]

        assert [text for text in violations(deployment, scaler) if "spec.metrics[0] is Resource cpu" in text]


@pytest.mark.parametrize("stack", STACKS)
def test_scaler_to_zero_is_refused_for_hot_models_and_no_others(stack: str) -> None:
    for deployment in deployments(plan_of(stack)):
        scaler = scaled_object(deployment["metadata"]["name"], minReplicaCount=0)
        scaler["metadata"]["namespace"] = deployment["metadata"]["namespace"]
        hot = deployment["metadata"]["labels"]["substrate.dev/tier"] == "hot"

        assert any("spec.minReplicaCount is 0" in text for text in violations(deployment, scaler)) == hot


@pytest.mark.parametrize("stack", STACKS)
def test_writable_weights_are_refused_in_every_shipped_model(stack: str) -> None:
    for deployment in deployments(plan_of(stack)):
        pod = deployment["spec"]["template"]["spec"]
        for mount in pod["containers"][0]["volumeMounts"]:
            mount.pop("readOnly", None)
        for volume in pod["volumes"]:
            volume.get("persistentVolumeClaim", {}).pop("readOnly", None)

        assert [text for text in violations(deployment) if "is writable, and claim weights-" in text]
