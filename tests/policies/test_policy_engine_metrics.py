"""A scaler asks for metrics that its engine exports, by the engine's release."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import container, hpa, inference_service, prometheus, scaled_object, template, workload

judge, violations, only = topic("engine_metrics")

VLLM_OLD = "vllm/vllm-openai:v0.9.2"
LLAMA_CPP = "ghcr.io/ggml-org/llama.cpp:server-b11434"
TGI = "ghcr.io/huggingface/text-generation-inference:3.3.7"
TRITON = "nvcr.io/nvidia/tritonserver:26.04-py3"
SGLANG = "lmsysorg/sglang:v0.5.23"


def serving(image: str) -> dict[str, Any]:
    return workload(pod=template(container(image)))


def asking(query: str) -> dict[str, Any]:
    return scaled_object("llama", prometheus(query), minReplicaCount=1)


def external(name: str, kind: str = "External") -> dict[str, Any]:
    return hpa(metrics=[{"type": kind, kind.lower(): {"metric": {"name": name}}}])


WRONG: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "gone": (
        [workload(), asking("max(vllm:gpu_cache_usage_perc)")],
        "vllm:gpu_cache_usage_perc, which vllm does not export any more",
        "ask for vllm:kv_cache_usage_perc instead",
    ),
    "never there": (
        [workload(), asking("sum(vllm:queue_depth)")],
        "vllm:queue_depth, which vllm does not export",
        "take a metric of",
    ),
    "a counter without its ending": (
        [workload(), asking("sum(rate(vllm:generation_tokens[1m]))")],
        "vllm:generation_tokens, which",
        "ask for vllm:generation_tokens_total instead",
    ),
    "a histogram by its name alone": (
        [workload(), asking("avg(vllm:time_to_first_token_seconds)")],
        "vllm:time_to_first_token_seconds, which",
        "ask for vllm:time_to_first_token_seconds_",
    ),
    "beside a good one": (
        [workload(), asking("sum(vllm:num_requests_running) + sum(vllm:num_request_waiting)")],
        "vllm:num_request_waiting, which",
        "ask for vllm:num_requests_waiting instead",
    ),
    "llama.cpp": (
        [serving(LLAMA_CPP), asking("llamacpp:kv_cache_usage_ratio")],
        "llamacpp:kv_cache_usage_ratio, which llama.cpp does not export any more",
        "ask for llamacpp:requests_processing",
    ),
    "TGI": ([serving(TGI), asking("tgi_queue_length")], "tgi_queue_length, which", "ask for tgi_queue_size instead"),
    "Triton": (
        [serving(TRITON), asking("nv_inference_pending_requests_count")],
        "nv_inference_pending_requests_count, which",
        "ask for nv_inference_pending_request_count instead",
    ),
    "SGLang": (
        [serving(SGLANG), asking("sglang:num_queued_reqs")],
        "sglang:num_queued_reqs, which",
        "ask for sglang:num_queue_reqs instead",
    ),
    "a bento": (
        [asking("sum(bentoml_service_requests_in_progress)")],
        "bentoml_service_requests_in_progress, which",
        "ask for bentoml_service_request_in_progress instead",
    ),
    "a slip, whatever the release": ([asking("vllm:num_requests_runing")], "vllm:num_requests_runing", "running"),
    "an HPA": ([workload(), external("vllm:queue_depth")], "spec.metrics[0] asks for vllm:queue_depth", ""),
    "an HPA's Pods metric": ([workload(), external("vllm:queue_depth", "Pods")], "vllm:queue_depth", ""),
    "of another engine": (
        [serving(LLAMA_CPP), asking("sum(vllm:num_requests_running)")],
        "vllm:num_requests_running of vllm, and Deployment ml/llama runs llama.cpp",
        "ask for metrics of llama.cpp: llamacpp:requests_processing",
    ),
    "KServe's own form": (
        [
            inference_service(
                {
                    "image": "vllm/vllm-openai:v0.32.0",
                    "autoScaling": {
                        "metrics": [{"type": "External", "external": {"metric": {"query": "vllm:num_request_running"}}}]
                    },
                }
            )
        ],
        "spec.predictor.autoScaling.metrics[0] asks for vllm:num_request_running",
        "ask for vllm:num_requests_running instead",
    ),
    "an LLMInferenceService": (
        [
            {
                **inference_service(),
                "kind": "LLMInferenceService",
                "spec": {"scaling": {"maxReplicas": 2, "keda": {"triggers": [prometheus("vllm:num_request_running")]}}},
            }
        ],
        "spec.scaling.keda.triggers[0] asks for vllm:num_request_running",
        "ask for vllm:num_requests_running instead",
    ),
}


@pytest.mark.parametrize(("stack", "found", "fix"), WRONG.values(), ids=WRONG.keys())
def test_metric_that_the_engine_does_not_export_is_refused(stack: list[dict[str, Any]], found: str, fix: str) -> None:
    message = only(*stack)

    assert found in message and fix in message.partition("fix: ")[2]
    assert "rule: unknown-metric" in message


@pytest.mark.parametrize(
    "stack",
    [
        [workload(), asking("sum(vllm:num_requests_running) + sum(vllm:num_requests_waiting)")],
        [workload(), asking("rate(vllm:time_to_first_token_seconds_sum[1m])")],
        [workload(), asking('sum(vllm:num_requests_running{model_name="vllm:own_name"})')],
        [workload(), asking("sum(vllm:load:sum1m)")],
        [serving(VLLM_OLD), asking("max(vllm:gpu_cache_usage_perc)")],
        [serving(TRITON), asking("sum(nv_inference_queue_duration_us) + sum(vllm:num_requests_waiting)")],
        [serving(LLAMA_CPP), asking("llamacpp:requests_deferred + sum(vllm:num_requests_waiting)")],
        [serving(TGI), external("tgi_queue_size_per_pod")],
        [workload(), external("vllm_requests_in_flight")],
        [workload(), asking("sum(rate(vllm:num_incoming_requests_total[1m]) > bool 0)")],
        [workload(), asking("sum(vllm:num_requests_swapped)")],
        [workload(), external("vllm:prompt_tokens")],
        [workload(), asking("sum(rate(istio_requests_total[1m]))")],
        [asking("sum(vllm:num_requests_running)")],
    ],
)
def test_metric_that_is_exported_or_somebody_elses_passes(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


UNDECIDED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a newer release": (
        [serving("vllm/vllm-openai:v9.0.0"), asking("sum(vllm:queue_depth)")],
        "whether vllm exports vllm:queue_depth is not known for its release: 0.32.0 was read",
    ),
    "an image by its digest": (
        [serving("vllm/vllm-openai@sha256:" + "0" * 64), asking("max(vllm:gpu_cache_usage_perc)")],
        "vllm 0.32.0 has vllm:kv_cache_usage_perc instead",
    ),
    "a target of another stack": ([asking("sum(vllm:queue_depth)")], "is not known for its release"),
    "Triton around vLLM": ([serving(TRITON), asking("vllm:time_per_output_token_seconds_sum")], "is not told"),
    "an older release, of which it is not known when it ended": (
        [serving(VLLM_OLD), asking("max(vllm:cpu_cache_usage_perc)")],
        "is not told",
    ),
}


@pytest.mark.parametrize(("stack", "reason"), UNDECIDED.values(), ids=UNDECIDED.keys())
def test_metric_of_a_release_that_nobody_read_is_neither_refused_nor_passed(
    stack: list[dict[str, Any]], reason: str
) -> None:
    (told,) = judge(*stack)

    assert not told.mandatory and "unknown-metric is not applicable" in told.message and reason in told.message


def test_release_between_the_last_that_had_it_and_the_one_that_was_read_has_it_no_more() -> None:
    message = only(serving("vllm/vllm-openai:v0.20.0"), asking("max(vllm:gpu_cache_usage_perc)"))

    assert "does not export any more" in message


def test_query_that_is_not_known_yet_is_told() -> None:
    assert [one.mandatory for one in judge(workload(), asking(UNKNOWN))] == [False]
