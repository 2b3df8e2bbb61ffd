"""A hot model keeps its floor in every object that could lower it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import RESOURCE, STACK, topic
from tests.policies.written import HOT, container, hpa, inference_service, knative, scaled_object, template, workload
from tests.policies.written import IN_FLIGHT as METRIC

judge, violations, only = topic("hot_models")

TWO = {"substrate.dev/min-replicas": "2"}


def http_scaled_object(**replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "http.keda.sh/v1alpha1",
        "kind": "HTTPScaledObject",
        "metadata": {"name": "llama", "namespace": "ml", "labels": HOT},
        "spec": {"scaleTargetRef": {"name": "llama"}, "replicas": replicas},
    }


def llm_inference_service(**spec: Any) -> dict[str, Any]:
    return {**inference_service(labels=HOT), "kind": "LLMInferenceService", "spec": spec}


TOO_FEW: dict[str, tuple[dict[str, Any], str]] = {
    "Deployment at 0": (workload(labels=HOT, replicas=0), "spec.replicas is 0"),
    "StatefulSet at 0": (workload(labels=HOT, replicas=0, kind="StatefulSet"), "spec.replicas is 0"),
    "hot by its pods": (workload(pod=template(container(), labels=HOT), replicas=0), "spec.replicas is 0"),
    "hot by annotation": (workload(annotations={"substrate.dev/tier": "hot"}, replicas=0), "spec.replicas is 0"),
    "Deployment below its floor": (workload(labels=HOT, annotations=TWO, replicas=1), "spec.replicas is 1"),
    "HPA at 0": (hpa(labels=HOT, metrics=[METRIC], minReplicas=0), "spec.minReplicas is 0"),
    "HPA by default": (
        hpa(labels=HOT, annotations=TWO, metrics=[METRIC]),
        "spec.minReplicas is not set, which means 1",
    ),
    "ScaledObject at 0": (scaled_object(labels=HOT, minReplicaCount=0), "spec.minReplicaCount is 0"),
    "ScaledObject by default": (scaled_object(labels=HOT), "spec.minReplicaCount is not set, which means 0"),
    "ScaledObject that idles": (
        scaled_object(labels=HOT, minReplicaCount=2, idleReplicaCount=0),
        "spec.idleReplicaCount is 0",
    ),
    "ScaledObject paused": (
        scaled_object(labels=HOT, minReplicaCount=1, annotations={"autoscaling.keda.sh/paused-replicas": "0"}),
        "metadata.annotations[autoscaling.keda.sh/paused-replicas] is 0",
    ),
    "HTTPScaledObject by default": (http_scaled_object(), "spec.replicas.min is not set, which means 0"),
    "InferenceService at 0": (inference_service({"minReplicas": 0}, labels=HOT), "spec.predictor.minReplicas is 0"),
    "transformer at 0": (
        inference_service(labels=HOT, transformer={"minReplicas": 0}),
        "spec.transformer.minReplicas is 0",
    ),
    "InferenceService by Knative's annotation": (
        inference_service(labels=HOT, annotations={"autoscaling.knative.dev/min-scale": "0"}),
        "metadata.annotations[autoscaling.knative.dev/min-scale] is 0",
    ),
    "LLMInferenceService at 0": (llm_inference_service(replicas=0), "spec.replicas is 0"),
    "its prefill at 0": (llm_inference_service(prefill={"replicas": 0}), "spec.prefill.replicas is 0"),
    "its scaling idles": (
        llm_inference_service(scaling={"minReplicas": 1, "keda": {"idleReplicaCount": 0}}),
        "spec.scaling.keda.idleReplicaCount is 0",
    ),
    "Knative at 0": (knative({"autoscaling.knative.dev/min-scale": "0"}, labels=HOT), "min-scale] is 0"),
    "Knative by default": (knative({}, labels=HOT), "min-scale] is not set, which means 0"),
}


@pytest.mark.parametrize(("manifest", "found"), TOO_FEW.values(), ids=TOO_FEW.keys())
def test_count_below_the_floor_is_refused_at_the_resource(manifest: dict[str, Any], found: str) -> None:
    (judgement,) = judge(manifest)

    assert (judgement.policy, judgement.mandatory) == (RESOURCE, True)
    assert f"{manifest['kind']} ml/" in judgement.message and found in judgement.message
    assert "at least" in judgement.message and "fix: " in judgement.message


def test_fix_names_the_field_and_the_number() -> None:
    assert "set spec.minReplicaCount to at least 2" in only(
        scaled_object(labels=HOT, annotations=TWO, minReplicaCount=1)
    )
    assert "remove spec.idleReplicaCount" in only(scaled_object(labels=HOT, minReplicaCount=1, idleReplicaCount=0))


@pytest.mark.parametrize(
    "manifest",
    [
        workload(labels=HOT),
        workload(labels=HOT, replicas=1),
        workload(labels=HOT, annotations=TWO, replicas=2),
        hpa(labels=HOT, metrics=[METRIC]),
        scaled_object(labels=HOT, minReplicaCount=1),
        inference_service(labels=HOT),
        llm_inference_service(replicas=1),
        knative({"autoscaling.knative.dev/minScale": "1"}, labels=HOT),
        http_scaled_object(min=1),
    ],
)
def test_count_at_the_floor_passes(manifest: dict[str, Any]) -> None:
    assert violations(manifest) == []


@pytest.mark.parametrize("tier", ["standard", "longTail", None])
def test_other_tiers_may_go_to_zero(tier: str | None) -> None:
    labels = {"substrate.dev/tier": tier} if tier else None

    assert violations(workload(labels=labels, replicas=0), scaled_object(labels=labels, minReplicaCount=0)) == []


SCALERS_TO_ZERO = [
    (hpa(metrics=[METRIC], minReplicas=0), "spec.minReplicas is 0"),
    (scaled_object(), "spec.minReplicaCount is not set, which means 0"),
    (scaled_object(minReplicaCount=1, idleReplicaCount=0), "spec.idleReplicaCount is 0"),
]


@pytest.mark.parametrize(("scaler", "found"), SCALERS_TO_ZERO)
def test_scaler_of_a_hot_workload_is_refused_without_a_label_of_its_own(scaler: dict[str, Any], found: str) -> None:
    (judgement,) = judge(workload(labels=HOT), scaler)

    assert (judgement.policy, judgement.mandatory) == (STACK, True)
    assert found in judgement.message and "Deployment ml/llama has label substrate.dev/tier: hot" in judgement.message


def test_floor_of_the_workload_holds_for_its_scaler() -> None:
    hot = workload(labels=HOT, annotations=TWO)

    assert "spec.minReplicas is 1, and a hot model keeps at least 2" in only(hot, hpa(metrics=[METRIC], minReplicas=1))
    assert violations(hot, hpa(metrics=[METRIC], minReplicas=2)) == []


def test_each_count_is_told_of_once() -> None:
    scaler = scaled_object(labels=HOT, minReplicaCount=0)

    assert len(violations(workload(labels=HOT, annotations=TWO), scaler)) == 1


def test_left_out_replicas_are_one_unless_a_scaler_owns_them() -> None:
    hot = workload(labels=HOT, annotations=TWO)

    (judgement,) = judge(hot)
    assert judgement.policy == STACK and "spec.replicas is not set, which means 1" in judgement.message
    assert violations(hot, scaled_object(minReplicaCount=2)) == []


def test_written_replicas_below_the_floor_are_refused_beside_a_scaler_too() -> None:
    """Every update would set them again, whatever the scaler made of them."""
    hot = workload(labels=HOT, replicas=0)

    assert "spec.replicas is 0" in only(hot, scaled_object(minReplicaCount=2))


def test_inference_service_left_to_an_external_scaler_counts_by_that_scaler() -> None:
    hot = inference_service(labels=HOT, annotations=TWO)

    assert "spec.predictor.minReplicas is not set, which means 1" in only(hot)
    assert violations(hot, hpa("llama-predictor", metrics=[METRIC], minReplicas=2)) == []
    assert "spec.minReplicas is 1" in only(hot, hpa("llama-predictor", metrics=[METRIC], minReplicas=1))


def test_pack_can_raise_the_floor_of_all_hot_models() -> None:
    hot = workload(labels=HOT, annotations={"substrate.dev/min-replicas": "1"}, replicas=2)

    assert violations(hot, config={"hotMinReplicas": 2}) == []
    message = only(hot, config={"hotMinReplicas": 3})
    assert "at least 3" in message and "hotMinReplicas of the policy pack" in message


@pytest.mark.parametrize(
    "manifest",
    [
        workload("qwen", replicas=0),
        workload("qwen-plain", labels={"substrate.dev/model": "qwen"}, replicas=0),
        workload("a", labels={"app.kubernetes.io/name": "qwen"}, replicas=0),
    ],
)
def test_pack_can_name_hot_models(manifest: dict[str, Any]) -> None:
    assert violations(manifest) == []
    assert "hotModels names qwen" in only(manifest, config={"hotModels": ["qwen"]})
    assert violations(manifest, config={"hotModels": ["other"]}) == []
