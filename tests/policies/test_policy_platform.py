"""KServe: what would be its install's to decide, and what it passes over without a word."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.examples.platform import BARE_MODEL, MODE, without_mode
from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import bare, container, inference_service, metadata, workload

judge, violations, only = topic("platform")

HELD = {"limits": {"memory": "32Gi"}}
KNATIVE, RAW = {MODE: "Knative"}, {MODE: "RawDeployment"}
PREDICTOR = {"model": {**BARE_MODEL, "resources": HELD}}


def moded(mode: str, **predictor: Any) -> dict[str, Any]:
    return inference_service(predictor, annotations={MODE: mode})


def runtime(kind: str = "ClusterServingRuntime", name: str = "ours", **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": kind,
        "metadata": metadata(name),
        "spec": {"containers": [bare("registry.corp/server:1.0.0", "kserve-container", **fields)]},
    }


def on_runtime(name: str) -> dict[str, Any]:
    return inference_service({"model": {**BARE_MODEL, "runtime": name}})


@pytest.mark.parametrize(
    "service",
    [
        without_mode(),
        inference_service(annotations={MODE: ""}),
        {**without_mode(), "metadata": metadata("llama", annotations={"serving.kserve.io/autoscalerClass": "none"})},
    ],
)
def test_mode_that_is_not_said_is_refused(service: dict[str, Any]) -> None:
    said = only(service)

    assert f"annotation {MODE} is missing" in said and f"write {MODE}: Standard" in said


@pytest.mark.parametrize(
    "manifest",
    [
        moded("Standard"),
        moded("Knative"),
        moded("RawDeployment"),
        {**without_mode(), "spec": {"predictor": {"sklearn": {"storageUri": "s3://m/iris"}}}},
        workload(pod={"spec": {"containers": [container()]}}),
        {**without_mode(), "kind": "LLMInferenceService", "spec": {"model": {"uri": "pvc://m"}}},
        {**without_mode(), "apiVersion": "serving.corp.example/v1"},
    ],
)
def test_mode_that_is_said_passes_and_what_has_none(manifest: dict[str, Any]) -> None:
    assert judge(manifest) == []


@pytest.mark.parametrize(
    "service",
    [
        moded("Standard", canaryTrafficPercent=10),
        moded("RawDeployment", canaryTrafficPercent=0),
        inference_service(PREDICTOR, annotations=RAW, transformer={"canaryTrafficPercent": 5, "containers": []}),
    ],
)
def test_share_that_nothing_splits_is_refused(service: dict[str, Any]) -> None:
    assert "canaryTrafficPercent is set, and annotation" in only(service)


@pytest.mark.parametrize(
    "service",
    [
        moded("Knative", canaryTrafficPercent=10),
        moded("Standard"),
        inference_service(PREDICTOR, annotations=KNATIVE, transformer={"canaryTrafficPercent": 5, "containers": []}),
    ],
)
def test_share_that_knative_splits_passes(service: dict[str, Any]) -> None:
    assert judge(service) == []


def test_share_without_a_mode_is_not_applicable_and_never_passed() -> None:
    service = without_mode()
    service["spec"]["predictor"]["canaryTrafficPercent"] = 10
    told = [one.message for one in judge(service) if not one.mandatory]

    assert len(told) == 1 and "rule canary-in-standard is not applicable" in told[0]


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ({"model": BARE_MODEL}, "spec.predictor.model has no resources"),
        ({"model": {**BARE_MODEL, "resources": {}}}, "spec.predictor.model has no resources"),
        (
            {"model": {**BARE_MODEL, "resources": {"limits": {"nvidia.com/gpu": "1"}}}},
            "spec.predictor.model has no resources.limits.memory",
        ),
        (
            {"model": {**BARE_MODEL, "resources": {"requests": {"memory": "32Gi"}}}},
            "spec.predictor.model has no resources.limits.memory",
        ),
        ({"huggingface": {"storageUri": "pvc://m"}}, "spec.predictor.huggingface has no resources"),
    ],
)
def test_model_that_would_get_two_gibibytes_is_refused(model: dict[str, Any], found: str) -> None:
    service = inference_service(model)
    if "model" not in model:
        del service["spec"]["predictor"]["model"]
    said = only(service)

    assert found in said and "1 CPU and 2Gi" in said


@pytest.mark.parametrize(
    "stack",
    [
        [inference_service()],
        [inference_service({"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://m"}})],
        [on_runtime("ours"), runtime(resources=HELD)],
        [on_runtime("ours"), runtime("ServingRuntime", resources=HELD)],
    ],
)
def test_model_whose_size_is_said_passes_by_it_or_by_its_runtime(stack: list[dict[str, Any]]) -> None:
    assert judge(*stack) == []


def test_runtime_without_a_size_says_nothing_and_kserves_own_say_two_gibibytes() -> None:
    assert "has no resources" in only(on_runtime("ours"), runtime())
    assert "has no resources" in only(on_runtime("kserve-vllmserver"), runtime(resources=HELD))


def test_runtime_of_another_stack_is_not_guessed_and_never_passed() -> None:
    (told,) = judge(on_runtime("ours"), runtime(name="theirs", resources=HELD))

    assert not told.mandatory and "runtime ours is not in this stack" in told.message


def test_size_that_is_not_known_yet_is_told() -> None:
    unknown = inference_service({"model": {**BARE_MODEL, "resources": UNKNOWN}})

    assert [one.mandatory for one in judge(unknown)] == [False]
