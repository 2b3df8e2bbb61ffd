"""No language model is scaled on CPU or memory, however the autoscaler is written and whoever wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.policies.judging import RESOURCE, STACK, topic
from tests.policies.written import (
    CPU,
    IN_FLIGHT,
    LLM,
    container,
    hpa,
    inference_service,
    knative,
    prometheus,
    scaled_object,
    template,
    workload,
)

judge, violations, only = topic("autoscaling")

MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "20Gi"}},
}
SIDECAR = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "engine", "target": {}}}
OLD_CPU = {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 50}}
CADVISOR = {"type": "External", "external": {"metric": {"name": "container_cpu_usage_seconds_total"}}}
OLD_SERIES = {"type": "Pods", "pods": {"metricName": "memory_usage_bytes", "targetAverageValue": "1Gi"}}
KEDA_CPU = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "75"}}
V1_METRICS = "autoscaling.alpha.kubernetes.io/metrics"

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "v2 cpu": (hpa(metrics=[CPU]), "spec.metrics[0] is Resource cpu, target 70 %"),
    "v2 memory": (hpa(metrics=[MEMORY]), "spec.metrics[0] is Resource memory, target 20Gi"),
    "v2 cpu of one container": (hpa(metrics=[SIDECAR]), "spec.metrics[0] is ContainerResource cpu"),
    "v2 cpu beside a good metric": (hpa(metrics=[IN_FLIGHT, CPU]), "spec.metrics[1] is Resource cpu"),
    "v2 without metrics": (hpa(), "spec.metrics is empty: the API scales on cpu at 80 %"),
    "v2 with an empty list": (hpa(metrics=[]), "spec.metrics is empty"),
    "v2 on a series of the CPU": (hpa(metrics=[CADVISOR]), "External metric container_cpu_usage_seconds_total"),
    "v2beta1 cpu": (hpa(version="autoscaling/v2beta1", metrics=[OLD_CPU]), "Resource cpu, target 50 %"),
    "v2beta2 memory": (hpa(version="autoscaling/v2beta2", metrics=[MEMORY]), "Resource memory"),
    "v2beta1 on a memory series": (hpa(version="autoscaling/v2beta1", metrics=[OLD_SERIES]), "memory_usage_bytes"),
    "v1 cpu": (
        hpa(version="autoscaling/v1", targetCPUUtilizationPercentage=60),
        "spec.targetCPUUtilizationPercentage is 60",
    ),
    "v1 without anything": (
        hpa(version="autoscaling/v1"),
        "spec.targetCPUUtilizationPercentage is not set: the API scales on cpu at 80 %",
    ),
    "v1 with cpu in its annotation": (
        hpa(version="autoscaling/v1", annotations={V1_METRICS: json.dumps([OLD_CPU])}),
        f"annotation {V1_METRICS}[0] is Resource cpu, target 50 %",
    ),
    "KEDA cpu": (scaled_object("llama", KEDA_CPU), "spec.triggers[0] is a cpu trigger, value 75"),
    "KEDA memory beside prometheus": (
        scaled_object("llama", prometheus(), {"type": "memory", "metadata": {"value": "80"}}),
        "spec.triggers[1] is a memory trigger, value 80",
    ),
    "KEDA query of the CPU": (
        scaled_object("llama", prometheus('avg(rate(container_cpu_usage_seconds_total{pod=~"llama.*"}[1m]))')),
        "spec.triggers[0] is a prometheus trigger on container_cpu_usage_seconds_total",
    ),
    "KEDA query of Triton's CPU": (
        scaled_object("llama", prometheus("avg(nv_cpu_utilization)")),
        "spec.triggers[0] is a prometheus trigger on nv_cpu_utilization",
    ),
    "KEDA trigger on a cloud's CPU": (
        scaled_object("llama", {"type": "aws-cloudwatch", "metadata": {"metricName": "CPUUtilization"}}),
        "spec.triggers[0] is a aws-cloudwatch trigger on CPUUtilization",
    ),
}


@pytest.mark.parametrize(("scaler", "found"), WRONG.values(), ids=WRONG.keys())
def test_scaler_of_a_model_found_through_its_target_is_refused(scaler: dict[str, Any], found: str) -> None:
    message = only(workload(), scaler)

    assert found in message
    assert f"{scaler['kind']} ml/{scaler['metadata']['name']}" in message
    assert "Deployment ml/llama" in message and "image vllm/vllm-openai:v0.32.0" in message
    assert "scale on requests in flight: vllm:num_requests_running + vllm:num_requests_waiting" in message


@pytest.mark.parametrize(("scaler", "found"), WRONG.values(), ids=WRONG.keys())
def test_scaler_that_names_itself_a_models_is_refused_before_it_is_made(scaler: dict[str, Any], found: str) -> None:
    scaler = {**scaler, "metadata": {**scaler["metadata"], "labels": LLM}}

    (judgement,) = judge(workload(), scaler)

    assert (judgement.policy, judgement.mandatory) == (RESOURCE, True)
    assert found in judgement.message


def test_scaler_seen_with_its_target_is_told_of_once_and_at_the_scaler() -> None:
    (judgement,) = judge(workload(), hpa(metrics=[CPU]))

    assert judgement.policy == STACK
    assert judgement.urn.endswith("HorizontalPodAutoscaler::ml/llama-hpa")


@pytest.mark.parametrize(
    "metrics",
    [
        [IN_FLIGHT],
        [{"type": "Pods", "pods": {"metric": {"name": "vllm:num_requests_waiting"}}}],
        [{"type": "External", "external": {"metric": {"name": "DCGM_FI_DEV_GPU_UTIL"}}}],
        [{"type": "External", "external": {"metric": {"name": "vllm:cpu_cache_usage_perc"}}}],
        [{"type": "External", "external": {"metric": {"name": "gpu_memory_utilization"}}}],
    ],
)
def test_scaler_on_load_or_on_the_gpu_passes(metrics: list[dict[str, Any]]) -> None:
    assert violations(workload(), hpa(metrics=metrics)) == []


def test_v1_scaler_with_a_good_metric_in_its_annotation_passes() -> None:
    scaler = hpa(version="autoscaling/v1", annotations={V1_METRICS: json.dumps([IN_FLIGHT])})

    assert violations(workload(), scaler) == []


def test_target_is_matched_by_kind_namespace_and_name() -> None:
    other_kind = workload(kind="StatefulSet")
    other_name = workload("other")
    other_namespace = workload()
    other_namespace["metadata"]["namespace"] = "elsewhere"

    assert violations(other_kind, other_name, other_namespace, hpa(metrics=[CPU])) == []
    assert violations(other_kind, hpa(metrics=[CPU], kind="StatefulSet")) != []


def test_scaled_job_of_a_model_is_read_too() -> None:
    scaler = scaled_object("llama", KEDA_CPU, labels=LLM)
    scaler["kind"] = "ScaledJob"

    assert "spec.triggers[0] is a cpu trigger" in only(scaler)


STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
KSERVE_WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "scaleMetric cpu": (inference_service({"scaleMetric": "cpu"}), "spec.predictor.scaleMetric is cpu"),
    "scaleMetric memory": (inference_service({"scaleMetric": "memory"}), "spec.predictor.scaleMetric is memory"),
    "transformer": (inference_service(transformer={"scaleMetric": "cpu"}), "spec.transformer.scaleMetric is cpu"),
    "autoScaling": (
        inference_service({"autoScaling": {"metrics": [CPU]}}),
        "spec.predictor.autoScaling.metrics[0] is Resource cpu",
    ),
    "a query in KServe's own form": (
        inference_service(
            {
                "autoScaling": {
                    "metrics": [
                        {"type": "External", "external": {"metric": {"query": "avg(process_cpu_seconds_total)"}}}
                    ]
                }
            }
        ),
        "spec.predictor.autoScaling.metrics[0] is External metric process_cpu_seconds_total",
    ),
    "Knative's metric": (
        inference_service(annotations={"autoscaling.knative.dev/metric": "cpu"}),
        "annotation autoscaling.knative.dev/metric is cpu",
    ),
    "Knative's class": (
        inference_service(annotations={"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"}),
        "annotation autoscaling.knative.dev/class is hpa.autoscaling.knative.dev without a metric",
    ),
    "older annotation": (
        inference_service(annotations={"serving.kserve.io/metric": "memory"}),
        "annotation serving.kserve.io/metric is memory",
    ),
    "KServe's default in Standard mode": (
        inference_service({"maxReplicas": 4}, annotations=STANDARD),
        "spec.predictor has no scaleMetric: KServe makes an HPA on cpu at 80 %",
    ),
    "class hpa and nothing else": (
        inference_service({"maxReplicas": 4}, annotations={"serving.kserve.io/autoscalerClass": "hpa"}),
        "spec.predictor has no scaleMetric",
    ),
}


@pytest.mark.parametrize(("service", "found"), KSERVE_WRONG.values(), ids=KSERVE_WRONG.keys())
def test_inference_service_on_cpu_is_refused(service: dict[str, Any], found: str) -> None:
    message = only(service)

    assert "InferenceService ml/llama" in message and found in message
    assert "serving.kserve.io/autoscalerClass: external" in message


@pytest.mark.parametrize(
    "service",
    [
        inference_service({"scaleMetric": "concurrency", "maxReplicas": 4}, annotations=STANDARD),
        inference_service({"minReplicas": 1, "maxReplicas": 1}, annotations=STANDARD),
        inference_service(
            {"maxReplicas": 4}, annotations={**STANDARD, "serving.kserve.io/autoscalerClass": "external"}
        ),
        inference_service(
            {"maxReplicas": 4},
            annotations={"serving.kserve.io/deploymentMode": "Knative", "autoscaling.knative.dev/metric": "rps"},
        ),
        inference_service(
            annotations={
                "autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev",
                "autoscaling.knative.dev/metric": "vllm_requests_in_flight",
            }
        ),
    ],
)
def test_inference_service_on_load_passes(service: dict[str, Any]) -> None:
    assert violations(service) == []


def test_scaler_of_the_deployment_that_kserve_makes_is_joined_to_its_service() -> None:
    message = only(inference_service(), hpa("llama-predictor", metrics=[CPU]))

    assert "InferenceService ml/llama" in message and "Resource cpu" in message


def test_llm_inference_service_with_a_cpu_trigger_is_refused() -> None:
    service = inference_service()
    service["kind"] = "LLMInferenceService"
    service["spec"] = {"scaling": {"minReplicas": 1, "maxReplicas": 4, "keda": {"triggers": [KEDA_CPU]}}}

    assert "spec.scaling.keda.triggers[0] is a cpu trigger" in only(service)


def test_knative_service_of_a_model_on_cpu_is_refused() -> None:
    found = only(knative({"autoscaling.knative.dev/metric": "cpu"}))

    assert "spec.template.metadata.annotation autoscaling.knative.dev/metric is cpu" in found


EVIDENCE: dict[str, tuple[dict[str, Any], str]] = {
    "llama.cpp image": (container("ghcr.io/ggml-org/llama.cpp:server-b6942"), "llamacpp:requests_processing"),
    "mirror with a port": (container("mirror.corp:5000/hub/vllm/vllm-openai:v0.32.0"), "vllm:num_requests_running"),
    "upstream's CPU build": (container("public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.32.0"), "vllm:"),
    "tgi": (container("ghcr.io/huggingface/text-generation-inference:3.3.7"), "tgi_queue_size"),
    "ollama": (container("ollama/ollama:0.12.6"), "requests in flight"),
    "triton": (container("nvcr.io/nvidia/tritonserver:25.09-py3"), "nv_inference_pending_request_count"),
    "KServe's server": (container("kserve/huggingfaceserver:v0.16.0-gpu"), "vllm:"),
    "lmcache": (container("lmcache/vllm-openai:v0.3.9"), "vllm:"),
    "sglang": (container("lmsysorg/sglang:v0.5.4"), "sglang:"),
    "NIM": (container("nvcr.io/nim/meta/llama-3.1-8b-instruct:1.13.1"), "requests in flight"),
    "vllm serve": (container("corp/serving:1", command=["vllm", "serve", "/models/a"]), "vllm:"),
    "in a shell": (container("corp/serving:1", command=["sh", "-c"], args=["ulimit -n 9; exec vllm serve m"]), "vllm:"),
    "behind an init": (
        container("corp/serving:1", command=["tini", "--", "/app/llama-server", "-m", "x"]),
        "llamacpp:",
    ),
    "a module": (container("corp/serving:1", args=["python3", "-m", "vllm.entrypoints.openai.api_server"]), "vllm:"),
    "GPU and a flag only these take": (
        container("corp/serving:1", args=["--max-model-len=8192"], resources={"limits": {"amd.com/gpu": 1}}),
        "requests in flight",
    ),
    "GPU and a variable only these take": (
        container(
            "corp/serving:1",
            env=[{"name": "VLLM_USE_V1", "value": "1"}],
            resources={"limits": {"nvidia.com/mig-1g.5gb": 1}},
        ),
        "requests in flight",
    ),
}


@pytest.mark.parametrize(("server", "metric"), EVIDENCE.values(), ids=EVIDENCE.keys())
def test_model_server_is_recognised_without_any_label(server: dict[str, Any], metric: str) -> None:
    message = only(workload(pod=template(container("nginx:1.29", "proxy"), server)), hpa(metrics=[CPU]))

    assert "container engine" in message and metric in message


@pytest.mark.parametrize("kind", ["StatefulSet", "ReplicaSet", "Rollout", "LeaderWorkerSet"])
def test_model_server_is_recognised_in_every_kind(kind: str) -> None:
    served = workload(kind=kind)
    if kind == "LeaderWorkerSet":
        served["spec"] = {"leaderWorkerTemplate": {"workerTemplate": template(container())}}

    assert "Resource cpu" in only(served, hpa(metrics=[CPU], kind=kind))


def test_label_on_the_pod_template_is_enough() -> None:
    assert "label substrate.dev/workload: llm" in only(
        workload(pod=template(container("corp/serving:1"), labels=LLM)), hpa(metrics=[CPU])
    )


def test_gpu_alone_is_not_evidence() -> None:
    renderer = container("corp/render:1", resources={"limits": {"nvidia.com/gpu": 1}})

    assert violations(workload(pod=template(renderer)), hpa(metrics=[CPU])) == []


def test_stack_can_name_engine_images_of_its_own() -> None:
    served = workload(pod=template(container("registry.corp/inference/atlas:4")))
    config = {"engineImages": ["registry.corp/inference/*"]}

    assert violations(served, hpa(metrics=[CPU])) == []
    assert "Resource cpu" in only(served, hpa(metrics=[CPU]), config=config)
