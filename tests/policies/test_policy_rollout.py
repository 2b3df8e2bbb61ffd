"""A rollout ends on a pool that is full, and a hot model answers while it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import (
    HOT,
    IN_FLIGHT,
    bare,
    container,
    hpa,
    inference_service,
    scaled_object,
    template,
    workload,
)

judge, violations, only = topic("rollout")

POOL, GPUS = "substrate.dev/pool", "substrate.dev/pool-gpus"
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
RECREATE = {"type": "Recreate"}


def rolling(surge: int | str, unavailable: int | str) -> dict[str, Any]:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def on(gpus: int = 1, pool_gpus: str = "8", **spec: Any) -> dict[str, Any]:
    pod = template(container(resources={"limits": {"nvidia.com/gpu": gpus}}))
    pod["metadata"]["annotations"] = {GPUS: pool_gpus}
    return workload(pod=pod, **spec)


def service(annotations: dict[str, str], **spec: Any) -> dict[str, Any]:
    model = {"modelFormat": {"name": "huggingface"}, "resources": {"limits": {"nvidia.com/gpu": 8}}}
    selected = {"nodeSelector": {POOL: "a100"}}
    return inference_service({"model": model, **selected, **spec}, annotations={GPUS: "8", **annotations})


def llm_service(**spec: Any) -> dict[str, Any]:
    pod = template(container(resources={"limits": {"nvidia.com/gpu": 8}}))["spec"]
    made = inference_service(annotations={GPUS: "8"})
    return {**made, "kind": "LLMInferenceService", "spec": {"template": pod, **spec}}


DEADLOCKS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "the only GPU, by default": ([on(1, "1")], "maxSurge 25%, maxUnavailable 25%, and pool a100 has 0 of its 1"),
    "written": ([on(8, strategy=rolling(1, 0))], "maxSurge 1, maxUnavailable 0"),
    "a share of three": ([on(2, "6", replicas=3)], "pool a100 has 0 of its 6 GPUs free of the 2"),
    "beside others": ([workload("qwen", replicas=7), on(1)], "has 0 of its 8 GPUs free of the 1"),
    "room for half a replica": ([on(3, replicas=2, strategy=rolling(1, 0))], "has 2 of its 8 GPUs free of the 3"),
    "a type alone": ([on(8, strategy={"type": "RollingUpdate"})], "maxSurge 25%"),
    "at the least of its scaler": ([on(4, replicas=1), hpa(minReplicas=2, metrics=[IN_FLIGHT])], "0 of its 8"),
    "KServe's default": ([service(STANDARD)], "spec.predictor.deploymentStrategy has maxSurge 25%"),
    "KServe's, written": ([service(STANDARD, deploymentStrategy=rolling(1, 0))], "maxSurge 1"),
    "an LLMInferenceService": ([llm_service()], "spec.rolloutStrategy has maxSurge 25%"),
}


@pytest.mark.parametrize(("stack", "found"), DEADLOCKS.values(), ids=DEADLOCKS.keys())
def test_rollout_that_waits_for_a_gpu_which_is_not_there_is_refused(stack: list[dict[str, Any]], found: str) -> None:
    message = only(*stack)

    assert found in message and "rule: surge-without-room" in message
    assert "to maxSurge: 0 and maxUnavailable: 1" in message


@pytest.mark.parametrize(
    "stack",
    [
        [on(8, strategy=rolling(0, 1))],
        [on(8, strategy=rolling(0, 0))],
        [on(8, strategy=rolling(1, 1))],
        [on(8, strategy=RECREATE)],
        [on(2, replicas=4)],
        [on(1, replicas=7)],
        [on(4)],
        [on(8, kind="StatefulSet")],
        [service(STANDARD, deploymentStrategy=rolling(0, 1))],
        [llm_service(rolloutStrategy={"maxSurge": 0, "maxUnavailable": 1})],
        [workload("render", template(bare("corp/render:1", resources={"limits": {"nvidia.com/gpu": 8}})))],
        [on(9)],
    ],
)
def test_rollout_that_ends_passes(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


def test_pool_that_is_not_told_of_leaves_it_undecided() -> None:
    (told,) = judge(workload(pod=template(container(), nodeSelector={})))

    assert not told.mandatory and "surge-without-room is not applicable" in told.message
    assert judge(workload(pod=template(container(), nodeSelector={}), strategy=rolling(0, 1))) == []


def test_strategy_that_is_not_known_yet_is_told() -> None:
    assert [one.mandatory for one in judge(on(8, strategy=UNKNOWN))] == [False]


@pytest.mark.parametrize(
    "stack",
    [
        [workload(labels=HOT, replicas=2, strategy=RECREATE)],
        [workload(labels=HOT, strategy=RECREATE), scaled_object(minReplicaCount=3)],
        [workload(pod=template(container(), labels=HOT), replicas=4, strategy=RECREATE)],
        [
            {
                **inference_service(
                    {"minReplicas": 2, "deploymentStrategy": RECREATE}, annotations=STANDARD, labels=HOT
                ),
            }
        ],
    ],
)
def test_hot_model_whose_replicas_all_go_at_once_is_refused(stack: list[dict[str, Any]]) -> None:
    message = only(*stack)

    assert ".type is Recreate with " in message and "rule: recreate-hot" in message


@pytest.mark.parametrize(
    "stack",
    [
        [workload(labels=HOT, replicas=1, strategy=RECREATE)],
        [workload(replicas=3, strategy=RECREATE)],
        [workload(labels=HOT, replicas=2, strategy=rolling(0, 1))],
        [workload("web", template(bare("nginx:1.29")), labels=HOT, replicas=3, strategy=RECREATE)],
    ],
)
def test_recreating_the_only_replica_or_what_is_not_hot_passes(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []
