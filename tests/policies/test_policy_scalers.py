"""A scaler's two ends are in order, it is its target's only one, and its target is there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import RESOURCE, UNKNOWN, topic
from tests.policies.written import (
    CPU,
    IN_FLIGHT,
    LLM,
    bare,
    hpa,
    inference_service,
    knative,
    metadata,
    scaled_object,
    workload,
)

judge, violations, only = topic("scalers")

STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
CLASS = "serving.kserve.io/autoscalerClass"
WEB = workload("web", {"spec": {"containers": [bare("nginx:1.29", "web")]}})


def http_scaled_object(annotations: dict[str, str] | None = None, **replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "http.keda.sh/v1alpha1",
        "kind": "HTTPScaledObject",
        "metadata": metadata("llama-http", annotations=annotations),
        "spec": {"scaleTargetRef": {"name": "llama"}, "replicas": replicas},
    }


def llm_inference_service(**spec: Any) -> dict[str, Any]:
    return {**inference_service(), "kind": "LLMInferenceService", "spec": spec}


WRONG_ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "HPA": (hpa(minReplicas=5), "spec.minReplicas is 5, and spec.maxReplicas is 4"),
    "HPA by default": (hpa(maxReplicas=0), "spec.minReplicas is not set, which means 1, and spec.maxReplicas is 0"),
    "HPA v1": (hpa(version="autoscaling/v1", minReplicas=9), "spec.minReplicas is 9"),
    "HPA of no model": (hpa("web", metrics=[CPU], minReplicas=9), "spec.minReplicas is 9"),
    "ScaledObject": (
        scaled_object(minReplicaCount=3, maxReplicaCount=2),
        "spec.minReplicaCount is 3, and spec.maxReplicaCount is 2",
    ),
    "ScaledObject by default": (
        scaled_object(minReplicaCount=200),
        "spec.minReplicaCount is 200, and spec.maxReplicaCount is not set, which means 100",
    ),
    "HTTPScaledObject": (http_scaled_object(min=3, max=2), "spec.replicas.min is 3, and spec.replicas.max is 2"),
    "InferenceService": (
        inference_service({"minReplicas": 3, "maxReplicas": 2}),
        "spec.predictor.minReplicas is 3, and spec.predictor.maxReplicas is 2",
    ),
    "its transformer": (
        inference_service(transformer={"minReplicas": 3, "maxReplicas": 2}),
        "spec.transformer.minReplicas is 3",
    ),
    "its annotations": (
        inference_service(
            annotations={"autoscaling.knative.dev/min-scale": "3", "autoscaling.knative.dev/max-scale": "2"}
        ),
        "metadata.annotations[autoscaling.knative.dev/min-scale] is 3",
    ),
    "LLMInferenceService": (
        llm_inference_service(scaling={"minReplicas": 3, "maxReplicas": 2}),
        "spec.scaling.minReplicas is 3, and spec.scaling.maxReplicas is 2",
    ),
    "its prefill": (
        llm_inference_service(prefill={"scaling": {"minReplicas": 3, "maxReplicas": 2}}),
        "spec.prefill.scaling.minReplicas is 3",
    ),
    "Knative": (
        knative({"autoscaling.knative.dev/minScale": "3", "autoscaling.knative.dev/max-scale": "2"}),
        "spec.template.metadata.annotations[autoscaling.knative.dev/minScale] is 3",
    ),
}


@pytest.mark.parametrize(("scaler", "found"), WRONG_ENDS.values(), ids=WRONG_ENDS.keys())
def test_least_above_most_is_refused_before_the_object_is_made(scaler: dict[str, Any], found: str) -> None:
    (judgement,) = [one for one in judge(scaler) if one.mandatory]

    assert judgement.policy == RESOURCE and found in judgement.message
    assert "fix: set " in judgement.message and "rule: min-above-max" in judgement.message


@pytest.mark.parametrize(
    "scaler",
    [
        hpa(minReplicas=4),
        hpa(),
        scaled_object(minReplicaCount=2, maxReplicaCount=2),
        inference_service({"minReplicas": 3, "maxReplicas": 0}),
        inference_service({"minReplicas": 3}),
        llm_inference_service(replicas=3),
        knative({"autoscaling.knative.dev/min-scale": "3", "autoscaling.knative.dev/max-scale": "0"}),
        knative({"autoscaling.knative.dev/max-scale": "2"}),
    ],
)
def test_ends_in_order_pass_and_a_most_of_none_is_no_end(scaler: dict[str, Any]) -> None:
    assert violations(scaler) == []


def test_an_end_that_is_not_known_yet_is_told() -> None:
    told = [one for one in judge(hpa(minReplicas=UNKNOWN)) if one.policy == RESOURCE]

    assert [one.mandatory for one in told] == [False] and "minReplicas" in told[0].message


def second(scaler: dict[str, Any]) -> dict[str, Any]:
    return {**scaler, "metadata": {**scaler["metadata"], "name": "second"}}


TWO: dict[str, list[dict[str, Any]]] = {
    "two HPAs": [workload(), hpa(metrics=[IN_FLIGHT]), second(hpa(metrics=[IN_FLIGHT]))],
    "HPA and KEDA's": [workload(), hpa(metrics=[IN_FLIGHT]), second(scaled_object())],
    "two of KEDA's": [workload(), scaled_object(), second(scaled_object())],
    "KEDA's own pair": [workload(), http_scaled_object(min=1), second(scaled_object())],
    "a target of another stack, by their metrics": [scaled_object(), second(hpa(metrics=[IN_FLIGHT]))],
    "a target of another stack, by a label": [hpa(metrics=[IN_FLIGHT], labels=LLM), second(hpa(metrics=[IN_FLIGHT]))],
    "of a StatefulSet": [
        workload(kind="StatefulSet"),
        hpa(metrics=[IN_FLIGHT], kind="StatefulSet"),
        second(hpa(metrics=[IN_FLIGHT], kind="StatefulSet")),
    ],
}


@pytest.mark.parametrize("stack", TWO.values(), ids=TWO.keys())
def test_two_scalers_of_a_model_are_refused_once_at_the_last(stack: list[dict[str, Any]]) -> None:
    message = only(*stack)

    assert "/second: it scales " in message and " ml/llama, and so does " in message
    assert "keep one of them" in message
    assert only(*reversed(stack)) == message


@pytest.mark.parametrize(
    "stack",
    [
        [workload(), hpa(metrics=[IN_FLIGHT])],
        [workload(), workload("qwen"), hpa(metrics=[IN_FLIGHT]), hpa("qwen", metrics=[IN_FLIGHT])],
        [
            workload(),
            hpa(metrics=[IN_FLIGHT]),
            hpa(metrics=[IN_FLIGHT], kind="StatefulSet"),
            workload(kind="StatefulSet"),
        ],
        [WEB, hpa("web", metrics=[CPU]), second(hpa("web", metrics=[CPU]))],
        [workload(), http_scaled_object(min=1), scaled_object("llama", {"type": "external-push", "metadata": {}})],
        [
            workload(),
            http_scaled_object({"httpscaledobject.keda.sh/skip-scaledobject-creation": "true"}, min=1),
            scaled_object(),
        ],
        [
            workload(),
            hpa(metrics=[IN_FLIGHT]),
            scaled_object(annotations={"scaledobject.keda.sh/transfer-hpa-ownership": "true"}),
        ],
    ],
)
def test_scalers_that_do_not_fight_pass(stack: list[dict[str, Any]]) -> None:
    assert violations(*stack) == []


@pytest.mark.parametrize(
    ("annotations", "because"),
    [
        ({**STANDARD, CLASS: "hpa"}, f"annotation {CLASS} is hpa"),
        ({**STANDARD, CLASS: "keda"}, f"annotation {CLASS} is keda"),
        (STANDARD, f"mode Standard and no annotation {CLASS}"),
    ],
)
def test_scaler_beside_the_one_that_kserve_makes_is_refused(annotations: dict[str, str], because: str) -> None:
    service = inference_service(annotations=annotations)
    message = only(service, scaled_object("llama-predictor"))

    assert because in message and f"set {CLASS}: external on InferenceService ml/llama" in message
    assert violations(inference_service(annotations={CLASS: "external"}), scaled_object("llama-predictor")) == []


NEAR: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a letter too few": ([workload(), scaled_object("llma")], "Deployment ml/llma"),
    "a letter too many": ([workload(), scaled_object("llamas")], "Deployment ml/llamas"),
    "another letter": ([workload(), scaled_object("lxama")], "Deployment ml/lxama"),
    "two exchanged": ([workload(), scaled_object("lalma")], "Deployment ml/lalma"),
    "another kind": ([workload(kind="StatefulSet"), hpa(metrics=[IN_FLIGHT], labels=LLM)], "Deployment ml/llama"),
    "another namespace": (
        [{**workload(), "metadata": {"name": "llama", "namespace": "models"}}, scaled_object()],
        "Deployment ml/llama",
    ),
}


@pytest.mark.parametrize(("stack", "target"), NEAR.values(), ids=NEAR.keys())
def test_scaler_that_all_but_names_a_model_is_refused(stack: list[dict[str, Any]], target: str) -> None:
    message = only(*stack)

    assert f"spec.scaleTargetRef is {target}, which is not in this stack" in message
    assert f"point spec.scaleTargetRef at {stack[0]['kind']} " in message


@pytest.mark.parametrize(
    "stack",
    [
        [scaled_object()],
        [workload("qwen-7b"), scaled_object("qwen-8b")],
        [workload(), scaled_object("mistral")],
        [workload(), scaled_object(), second(scaled_object("llamas"))],
        [WEB, scaled_object("wep")],
        [hpa(metrics=[IN_FLIGHT], labels=LLM)],
    ],
)
def test_scaler_of_what_another_stack_makes_is_not_refused_but_told_of(stack: list[dict[str, Any]]) -> None:
    assert violations(*stack) == []
    assert "scaler-without-target is not applicable" in judge(*stack)[-1].message


def test_scaler_of_no_model_without_target_is_not_even_told_of() -> None:
    assert judge(WEB, hpa("shop", metrics=[CPU])) == []


def test_target_whose_name_is_not_known_yet_is_told_and_not_refused() -> None:
    nameless = workload()
    nameless["metadata"]["name"] = UNKNOWN

    assert [one.mandatory for one in judge(nameless, scaled_object())] == [False]
