"""What a pool's models always hold fits into it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import (
    IN_FLIGHT,
    VLLM,
    bare,
    container,
    hpa,
    inference_service,
    knative,
    scaled_object,
    template,
    workload,
)

judge, violations, only = topic("pools")

POOL, GPUS = "substrate.dev/pool", "substrate.dev/pool-gpus"


def asking(gpus: int | str) -> dict[str, Any]:
    return container(resources={"limits": {"nvidia.com/gpu": gpus}})


def on(gpus: int | str = 1, **spec: Any) -> dict[str, Any]:
    return workload(pod=template(asking(gpus)), **spec)


def group(replicas: int, leader: bool) -> dict[str, Any]:
    own = {"leaderTemplate": template(asking(1))} if leader else {}
    return workload(
        kind="LeaderWorkerSet",
        replicas=replicas,
        leaderWorkerTemplate={"size": 3, "workerTemplate": template(asking(2)), **own},
    )


def service(**spec: Any) -> dict[str, Any]:
    selected = {"nodeSelector": {POOL: "a100"}}
    model = {"modelFormat": {"name": "huggingface"}, "resources": {"limits": {"nvidia.com/gpu": 4}}}
    return inference_service({"model": model, **selected, **spec}, annotations={GPUS: "8"})


def llm_service(**spec: Any) -> dict[str, Any]:
    pod = {"containers": [asking(3)], "nodeSelector": {POOL: "a100"}}
    made = inference_service(annotations={GPUS: "8"})
    return {**made, "kind": "LLMInferenceService", "spec": {"template": pod, **spec}}


def ray() -> dict[str, Any]:
    workers = {"minReplicas": 4, "numOfHosts": 1, "template": template(asking(2))}
    cluster = {"headGroupSpec": {"template": template(asking(1))}, "workerGroupSpecs": [workers]}
    return {**workload(kind="RayService", version="ray.io/v1"), "spec": {"rayClusterConfig": cluster}}


BEYOND: dict[str, tuple[list[dict[str, Any]], int]] = {
    "by replicas": ([on(2, replicas=5)], 10),
    "by GPUs of one": ([on("9")], 9),
    "by two of one pool": ([workload("qwen", template(asking(4))), on(5)], 9),
    "with one that is no model": (
        [workload("render", template(bare("corp/render:1", resources={"limits": {"nvidia.com/gpu": 6}}))), on(3)],
        9,
    ),
    "by what a scaler keeps": ([on(3), scaled_object(minReplicaCount=3)], 9),
    "by an HPA's": ([on(3, replicas=1), hpa(minReplicas=4, metrics=[IN_FLIGHT])], 12),
    "of two containers": ([workload(pod=template(asking(5), {**asking(4), "name": "b"}))], 9),
    "of an init container": ([workload(pod=template(asking(1), initContainers=[{**asking(9), "name": "i"}]))], 9),
    "a group by its size": ([group(2, leader=False)], 12),
    "a group with a leader": ([group(2, leader=True)], 10),
    "an InferenceService": ([service(minReplicas=3)], 12),
    "an LLMInferenceService": ([llm_service(replicas=3)], 9),
    "Ray": ([ray()], 9),
}


@pytest.mark.parametrize(("stack", "held"), BEYOND.values(), ids=BEYOND.keys())
def test_more_gpus_than_the_pool_has_are_refused_once(stack: list[dict[str, Any]], held: int) -> None:
    message = only(*stack)

    assert f"pool a100 has 8 GPUs, and its workloads always hold {held} (" in message
    assert "rule: beyond-the-pool" in message


def test_it_is_told_of_the_last_model_by_name_with_all_that_hold_some() -> None:
    message = only(
        workload("a", template(asking(4))), workload("b", template(asking(3))), workload("c", template(asking(2)))
    )

    assert "Deployment ml/c: pool a100" in message
    assert "(Deployment ml/a 4, Deployment ml/b 3, Deployment ml/c 2)" in message


OTHER = workload("other", template(asking(4), nodeSelector={POOL: "h100"}))


@pytest.mark.parametrize(
    "stack",
    [
        [on(4, replicas=2)],
        [on(8), OTHER],
        [on(4, replicas=9), scaled_object(minReplicaCount=2)],
        [on(8, replicas=0), workload("b", template(asking(8)))],
        [service(minReplicas=2)],
        [service(minReplicas=0), on(8)],
        [knative({"autoscaling.knative.dev/min-scale": "8"})],
        [workload(pod=template(bare(VLLM)), replicas=99)],
        [workload(pod=template(container(resources={"limits": {"nvidia.com/mig-1g.10gb": 1}})), replicas=56)],
        [on(4), workload("job", template(asking(8)), kind="Job", version="batch/v1")],
        [workload("render", template(bare("corp/render:1", resources={"limits": {"nvidia.com/gpu": 9}})))],
    ],
)
def test_pool_that_can_hold_them_passes(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


def test_size_that_one_workload_tells_holds_for_the_pool() -> None:
    silent = workload("silent", {**template(asking(5)), "metadata": {"labels": {"app": "a"}}})

    assert "pool a100 has 8 GPUs, and its workloads always hold 9" in only(silent, on(4))


def test_of_two_sizes_the_larger_holds() -> None:
    before = template(asking(5))
    before["metadata"]["annotations"] = {GPUS: "4"}

    assert judge(workload("before", before), on(3)) == []
    assert "pool a100 has 8 GPUs" in only(workload("before", before), on(4))


def test_label_names_a_pool_as_a_node_selector_does() -> None:
    pod = template(asking(9), labels={POOL: "h100"}, nodeSelector={})

    assert "pool h100 has 8 GPUs" in only(workload(pod=pod))


def test_program_that_tells_of_no_pool_is_told_so_once_for_all() -> None:
    pods = [template(asking(1), nodeSelector={}) for _ in range(3)]
    (told,) = judge(*(workload(f"m{i}", pod) for i, pod in enumerate(pods)))

    assert not told.mandatory
    assert (
        "beyond-the-pool is not applicable to Deployment ml/m0 and 2 more: which pool its GPUs are of" in told.message
    )


def test_pool_of_a_size_that_nobody_tells_is_not_passed() -> None:
    pod = {**template(asking(1)), "metadata": {"labels": {"app": "a"}}}
    (told,) = judge(workload(pod=pod))

    assert f"annotation {GPUS}, how many GPUs its pool has, is missing" in told.message


def test_replicas_that_are_not_known_yet_are_told() -> None:
    assert {one.mandatory for one in judge(on(1, replicas=UNKNOWN))} == {False}
