"""Budgets protect hot models that have replicas to spare, and never hold up a drain."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rule import Level
from policies.rules.disruption import unhealthy_blocks_drain
from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import (
    HOT,
    IN_FLIGHT,
    bare,
    budget,
    container,
    hpa,
    inference_service,
    knative,
    metadata,
    scaled_object,
    template,
    workload,
)

judge, violations, only = topic("disruption")

DB = workload("db", template(bare("postgres:18.1"), labels={"app": "db"}), kind="StatefulSet", labels=HOT, replicas=3)


def group(**spec: Any) -> dict[str, Any]:
    parts = {"size": 2, "workerTemplate": template(container())}
    return workload(kind="LeaderWorkerSet", labels=HOT, leaderWorkerTemplate=parts, replicas=2, **spec)


def elsewhere(manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": "elsewhere"}}


def by(*expressions: dict[str, Any]) -> dict[str, Any]:
    made = budget()
    made["spec"]["selector"] = {"matchExpressions": list(expressions)}
    return made


UNPROTECTED: dict[str, list[dict[str, Any]]] = {
    "a Deployment": [workload(labels=HOT, replicas=2)],
    "a StatefulSet": [workload(labels=HOT, replicas=3, kind="StatefulSet")],
    "by what its scaler keeps": [scaled_object(minReplicaCount=2), workload(labels=HOT)],
    "by an HPA, whatever is written": [hpa(minReplicas=2, metrics=[IN_FLIGHT]), workload(labels=HOT, replicas=1)],
    "a group": [group()],
    "an InferenceService": [inference_service({"minReplicas": 2}, labels=HOT)],
    "Knative": [knative({"autoscaling.knative.dev/min-scale": "2"}, labels=HOT)],
    "a budget of other pods": [budget({"app": "b"}), workload(labels=HOT, replicas=2)],
    "a budget in another namespace": [elsewhere(budget()), workload(labels=HOT, replicas=2)],
    "a budget that wants one label more": [budget({"app": "a", "tier": "x"}), workload(labels=HOT, replicas=2)],
    "v1beta1's empty selector, which selects nothing": [
        {**budget(version="policy/v1beta1"), "spec": {"maxUnavailable": 1, "selector": {}}},
        workload(labels=HOT, replicas=2),
    ],
    "an expression that leaves it out": [
        by({"key": "app", "operator": "NotIn", "values": ["a"]}),
        workload(labels=HOT, replicas=2),
    ],
}


@pytest.mark.parametrize("stack", UNPROTECTED.values(), ids=UNPROTECTED.keys())
def test_hot_model_of_several_replicas_without_a_budget_is_refused(stack: list[dict[str, Any]]) -> None:
    message = only(*stack)

    assert "no PodDisruptionBudget of the stack selects the " in message and "rule: no-disruption-budget" in message


@pytest.mark.parametrize(
    "stack",
    [
        [workload(labels=HOT, replicas=2), budget()],
        [workload(labels=HOT, replicas=1)],
        [workload(replicas=4)],
        [DB],
        [workload(labels=HOT, replicas=2), by({"key": "app", "operator": "In", "values": ["a", "b"]})],
        [
            workload(labels=HOT, replicas=2),
            {**budget(), "spec": {**budget()["spec"], "selector": {}}},
        ],
        [
            inference_service({"minReplicas": 2}, labels=HOT),
            budget({"serving.kserve.io/inferenceservice": "llama"}),
        ],
        [inference_service({"minReplicas": 2}, labels=HOT), budget(HOT)],
        [inference_service({"minReplicas": 2, "labels": {"app": "a", "x": "y"}}, labels=HOT), budget({"x": "y"})],
        [group(), budget({"leaderworkerset.sigs.k8s.io/name": "llama"})],
        [
            knative({"autoscaling.knative.dev/min-scale": "2"}, labels=HOT),
            budget({"serving.knative.dev/service": "llama"}),
        ],
    ],
)
def test_protected_or_single_or_ordinary_workload_passes(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


BLOCKING: dict[str, tuple[list[dict[str, Any]], str]] = {
    "none may be away": ([workload(replicas=3), budget(maxUnavailable=0)], "spec.maxUnavailable is 0"),
    "no share may be away": ([workload(replicas=3), budget(maxUnavailable="0%")], "spec.maxUnavailable is 0%"),
    "all are kept": ([workload(replicas=3), budget(minAvailable=3)], "spec.minAvailable is 3 of 3"),
    "more than all": ([workload(replicas=3), budget(minAvailable=5)], "spec.minAvailable is 5 of 3"),
    "the whole share": ([workload(replicas=3), budget(minAvailable="100%")], "spec.minAvailable is 100% of 3"),
    "half of one, rounded up": ([workload(replicas=1), budget(minAvailable="50%")], "spec.minAvailable is 50% of 1"),
    "the only one": ([workload(), budget(minAvailable=1)], "spec.minAvailable is 1 of 1"),
    "the least that its scaler keeps": (
        [workload(replicas=4), hpa(minReplicas=2, metrics=[IN_FLIGHT]), budget(minAvailable=2)],
        "spec.minAvailable is 2 of 2",
    ),
    "a StatefulSet": ([workload(kind="StatefulSet", replicas=2), budget(minAvailable=2)], "2 of 2"),
    "an InferenceService": (
        [inference_service(), budget({"serving.kserve.io/inferenceservice": "llama"}, minAvailable=1)],
        "so no pod of InferenceService ml/llama",
    ),
    "v1beta1": ([workload(replicas=2), budget(version="policy/v1beta1", maxUnavailable=0)], "maxUnavailable is 0"),
}


@pytest.mark.parametrize(("stack", "found"), BLOCKING.values(), ids=BLOCKING.keys())
def test_budget_that_never_allows_an_eviction_is_refused(stack: list[dict[str, Any]], found: str) -> None:
    message = only(*stack)

    assert found in message and "rule: budget-blocks-drain" in message and "maxUnavailable: 1" in message


@pytest.mark.parametrize(
    "stack",
    [
        [workload(replicas=3), budget(maxUnavailable=1)],
        [workload(replicas=1), budget(maxUnavailable="10%")],
        [workload(replicas=0), budget(maxUnavailable="10%")],
        [workload(replicas=3), budget(minAvailable=2)],
        [workload(replicas=3), budget(minAvailable="60%")],
        [workload("a", replicas=1), workload("b", replicas=1), budget(minAvailable=1)],
        [DB, budget({"app": "db"}, minAvailable=3, unhealthyPodEvictionPolicy="IfHealthyBudget")],
        [budget(minAvailable=3)],
        [elsewhere(workload(replicas=1)), budget(minAvailable=1)],
    ],
)
def test_budget_that_lets_a_drain_end_or_is_no_models_passes(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


@pytest.mark.parametrize("policy", [None, "IfHealthyBudget"])
def test_budget_that_keeps_unhealthy_pods_is_advised_against(policy: str | None) -> None:
    held = budget(unhealthyPodEvictionPolicy=policy)
    if policy is None:
        del held["spec"]["unhealthyPodEvictionPolicy"]

    (told,) = judge(workload(replicas=2), held)

    assert not told.mandatory and "rule: unhealthy-blocks-drain" in told.message
    assert unhealthy_blocks_drain.level == Level.ADVISORY
    assert judge(DB, {**held, "spec": {**held["spec"], "selector": {"matchLabels": {"app": "db"}}}}) == []


def test_label_that_is_not_known_yet_is_told_where_it_may_decide_and_only_there() -> None:
    unknown = workload("other", template(bare("nginx:1.29"), labels={"app": UNKNOWN}))
    hot = workload(labels=HOT, replicas=2)

    assert judge(hot, budget(), elsewhere(unknown)) == []
    assert {one.mandatory for one in judge(hot, budget(), unknown)} == {False}
    lost = workload(pod=template(container(), labels={"app": UNKNOWN}), labels=HOT, replicas=2)
    assert {one.mandatory for one in judge(lost, budget())} == {False}


def test_selector_that_is_not_known_yet_is_told_and_not_taken_for_none() -> None:
    assert {one.mandatory for one in judge(workload(labels=HOT, replicas=2), budget({"app": UNKNOWN}))} == {False}


def test_budget_among_many_models_finds_its_own() -> None:
    many = [workload(f"m{i}", template(container(), labels={"app": f"m{i}"}), labels=HOT, replicas=2) for i in range(9)]
    budgets = [{**budget({"app": f"m{i}"}), "metadata": metadata(f"m{i}")} for i in range(8)]

    assert "Deployment ml/m8: no PodDisruptionBudget" in only(*many, *budgets)
