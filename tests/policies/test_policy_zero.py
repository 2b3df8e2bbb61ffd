"""Only the long tail goes to zero, and only where something wakes it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import (
    HOT,
    IN_FLIGHT,
    LLM,
    bare,
    hpa,
    inference_service,
    knative,
    metadata,
    prometheus,
    scaled_object,
    workload,
)

judge, violations, only = topic("zero")

AT_THE_GATEWAY = prometheus("sum(rate(envoy_cluster_upstream_rq_total[1m]))")
CPU_TRIGGER = {"type": "cpu", "metadata": {"value": "60"}}
CRON = {"type": "cron", "metadata": {"start": "0 6 * * *", "end": "0 20 * * *", "desiredReplicas": "1"}}
MODE, CLASS = "serving.kserve.io/deploymentMode", "serving.kserve.io/autoscalerClass"
WOKEN = {"substrate.dev/woken-by": "the front door of stack edge"}


def named(metric: str) -> dict[str, Any]:
    return {"type": "External", "external": {"metric": {"name": metric}}}


def tier(name: str) -> dict[str, str]:
    return {"substrate.dev/tier": name}


def http_scaled_object(**replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "http.keda.sh/v1alpha1",
        "kind": "HTTPScaledObject",
        "metadata": metadata("llama"),
        "spec": {"scaleTargetRef": {"name": "llama"}, "replicas": replicas},
    }


def llm_inference_service(trigger: dict[str, Any]) -> dict[str, Any]:
    scaling = {"minReplicas": 1, "maxReplicas": 4, "keda": {"idleReplicaCount": 0, "triggers": [trigger]}}
    return {**inference_service(), "kind": "LLMInferenceService", "spec": {"scaling": scaling}}


def by_keda(query: str) -> dict[str, Any]:
    metrics = [{"type": "External", "external": {"metric": {"backend": "prometheus", "query": query}}}]
    return inference_service({"minReplicas": 0, "autoScaling": {"metrics": metrics}}, annotations={CLASS: "keda"})


NOT_WOKEN: dict[str, list[dict[str, Any]]] = {
    "KEDA by default, on the engine's metric": [workload(), scaled_object()],
    "written": [workload(), scaled_object(minReplicaCount=0)],
    "idle": [workload(), scaled_object(minReplicaCount=1, idleReplicaCount=0)],
    "a model of the long tail too": [workload(labels=tier("longTail")), scaled_object()],
    "on CPU": [workload(), scaled_object("llama", CPU_TRIGGER)],
    "by its own label": [scaled_object(labels=LLM)],
    "an HPA on a Pods metric": [
        workload(),
        hpa(minReplicas=0, metrics=[{"type": "Pods", "pods": {"metric": {"name": "in_flight"}}}]),
    ],
    "an HPA on the engine's metric, renamed": [
        workload(),
        hpa(minReplicas=0, metrics=[named("vllm_num_requests_waiting")]),
    ],
    "an HPA on a counter, renamed": [workload(), hpa(minReplicas=0, metrics=[named("vllm_prompt_tokens")])],
    "a StatefulSet": [
        workload(kind="StatefulSet"),
        scaled_object(scaleTargetRef={"kind": "StatefulSet", "name": "llama"}),
    ],
    "KServe's class keda": [by_keda("sum(vllm:num_requests_running)")],
    "an LLMInferenceService that idles": [llm_inference_service(prometheus())],
}


@pytest.mark.parametrize("stack", NOT_WOKEN.values(), ids=NOT_WOKEN.keys())
def test_model_that_nothing_wakes_may_not_go_to_zero(stack: list[dict[str, Any]]) -> None:
    message = only(*stack)

    assert "and nothing wakes it" in message and "rule: zero-without-waker" in message
    assert "to at least 1" in message


@pytest.mark.parametrize(
    "stack",
    [
        [workload(), scaled_object("llama", prometheus(), AT_THE_GATEWAY)],
        [workload(), scaled_object("llama", CRON)],
        [workload(labels=tier("longTail")), http_scaled_object(max=2)],
        [workload(), hpa(minReplicas=0, metrics=[named("requests_at_the_gateway")])],
        [workload(), hpa(minReplicas=0, metrics=[named("vllm_num_incoming_requests")])],
        [workload(), hpa(minReplicas=0, metrics=[IN_FLIGHT])],
        [
            workload(),
            scaled_object("llama", prometheus(), prometheus("sum(rate(vllm:num_incoming_requests_total[1m]))")),
        ],
        [workload(annotations=WOKEN), scaled_object()],
        [workload(), scaled_object(annotations=WOKEN)],
        [knative({})],
        [inference_service({"minReplicas": 0}, annotations={MODE: "Knative"})],
        [by_keda("sum(rate(istio_requests_total[1m]))")],
        [llm_inference_service(AT_THE_GATEWAY)],
    ],
)
def test_model_that_something_wakes_may_go_to_zero(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


@pytest.mark.parametrize(
    "stack",
    [
        [workload(labels=tier("standard")), scaled_object("llama", AT_THE_GATEWAY)],
        [workload(labels=tier("standard")), http_scaled_object()],
        [knative({}, labels=tier("standard"))],
        [inference_service({"minReplicas": 0}, annotations={MODE: "Knative"}, labels=tier("standard"))],
    ],
)
def test_other_tiers_may_not_go_to_zero_even_where_something_wakes_them(stack: list[dict[str, Any]]) -> None:
    assert "and the model's tier is standard" in only(*stack)


@pytest.mark.parametrize(
    "stack",
    [
        [workload(replicas=0)],
        [workload(kind="StatefulSet", replicas=0, labels=tier("standard"))],
        [workload(), scaled_object(minReplicaCount=1, annotations={"autoscaling.keda.sh/paused-replicas": "0"})],
        [inference_service({"minReplicas": 0}, annotations={MODE: "Standard", CLASS: "none"})],
        [inference_service({"minReplicas": 0}, annotations={MODE: "Standard", CLASS: "hpa"})],
        [knative({"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"})],
        [knative({"autoscaling.knative.dev/min-scale": "1"}, labels=tier("standard"))],
        [workload(labels=HOT), scaled_object()],
        [workload("web", {"spec": {"containers": [bare("nginx:1.29")]}}), scaled_object("web", CPU_TRIGGER)],
    ],
)
def test_what_is_switched_off_kept_or_another_rules_is_left_alone(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


def test_inference_service_without_its_mode_is_neither_refused_nor_passed() -> None:
    (told,) = judge(inference_service({"minReplicas": 0}, annotations={MODE: None}))

    assert not told.mandatory and f"annotation {MODE}" in told.message


def test_count_that_is_not_known_yet_is_told() -> None:
    assert [one.mandatory for one in judge(workload(), scaled_object(minReplicaCount=UNKNOWN))] == [False]
