"""Yatai's and ModelMesh's resources are refused with the reason and what takes their place; KServe's own are not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import container, inference_service, metadata, template, workload

judge, violations, only = topic("ended")

MODE = "serving.kserve.io/deploymentMode"


def thing(version: str, kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata("iris"), "spec": spec}


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("serving.yatai.ai/v2alpha1", "BentoDeployment"),
        ("serving.yatai.ai/v1alpha3", "BentoDeployment"),
        ("resources.yatai.ai/v1alpha1", "BentoRequest"),
        ("resources.yatai.ai/v1alpha1", "Bento"),
    ],
)
def test_resource_of_yatai_is_refused_with_the_deployment_that_takes_its_place(version: str, kind: str) -> None:
    said = only(thing(version, kind, bento="iris"))

    assert f"{kind} ml/iris: it is a resource of Yatai, {version}" in said
    assert "no release since 2024-05" in said
    assert "bentoml containerize" in said and "foundation: bentoml" in said


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        (thing("serving.kserve.io/v1alpha1", "Predictor"), "Predictor is a kind for ModelMesh"),
        (thing("serving.kserve.io/v1alpha1", "ServingRuntime", multiModel=True), "spec.multiModel is true"),
        (thing("serving.kserve.io/v1alpha1", "ClusterServingRuntime", multiModel=True), "spec.multiModel is true"),
        (inference_service(annotations={MODE: "ModelMesh"}), f"annotation {MODE} is ModelMesh"),
    ],
)
def test_what_only_modelmesh_would_act_on_is_refused(manifest: dict[str, Any], found: str) -> None:
    said = only(manifest)

    assert found in said
    assert "archived in 2026-04" in said
    assert "foundation: triton" in said


def test_trained_model_is_refused_for_kserves_own_reason() -> None:
    said = only(thing("serving.kserve.io/v1alpha1", "TrainedModel"))

    assert "it is a TrainedModel, KServe's own way" in said
    assert "KServe deprecates TrainedModel" in said and "archived" not in said
    assert "foundation: triton" in said


@pytest.mark.parametrize(
    "manifest",
    [
        thing("serving.kserve.io/v1alpha1", "ServingRuntime", multiModel=False),
        thing("serving.kserve.io/v1alpha1", "ServingRuntime"),
        inference_service(annotations={MODE: "Standard"}),
        thing("serving.corp.example/v1", "TrainedModel"),
        {**thing("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "metadata": {"name": "bentos.yatai.ai"}},
    ],
)
def test_what_is_alive_passes(manifest: dict[str, Any]) -> None:
    assert violations(manifest) == []


def test_runtime_that_is_not_known_yet_is_not_passed_silently() -> None:
    found = judge(thing("serving.kserve.io/v1alpha1", "ServingRuntime", multiModel=UNKNOWN))

    assert [item.mandatory for item in found] == [False]


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        (workload(pod=template(container("pytorch/torchserve-kfs:0.9.0"))), "runs image pytorch/torchserve-kfs:0.9.0"),
        (
            workload(pod=template(container("corp/bert:1.0", command=["torchserve", "--start"])), kind="StatefulSet"),
            "container engine runs `torchserve`",
        ),
        (
            workload(pod=template(container("corp/bert:1.0", command=["sh", "-c", "cd /app && torchserve --start"]))),
            "container engine runs `torchserve`",
        ),
        (inference_service({"pytorch": {"storageUri": "pvc://m"}}), "spec.predictor.pytorch is served by TorchServe"),
        (
            inference_service({"model": {"modelFormat": {"name": "pytorch"}, "storageUri": "pvc://m"}}),
            "spec.predictor.model.modelFormat is pytorch",
        ),
        (
            inference_service({"model": {"modelFormat": {"name": "x"}, "runtime": "kserve-torchserve"}}),
            "spec.predictor.model.runtime is kserve-torchserve",
        ),
    ],
)
def test_torchserve_is_refused_wherever_it_hides(manifest: dict[str, Any], found: str) -> None:
    said = only(manifest)

    assert found in said and "TorchServe is archived" in said and "foundation: triton" in said


@pytest.mark.parametrize(
    "manifest",
    [
        inference_service({"model": {"modelFormat": {"name": "pytorch"}, "runtime": "kserve-tritonserver"}}),
        inference_service({"model": {"modelFormat": {"name": "huggingface"}}}),
        workload(pod=template(container("pytorch/pytorch:2.9.1-cuda12.6-cudnn9-runtime"))),
        workload(pod=template(container("corp/client:1.0", args=["--upstream", "torchserve"]))),
    ],
)
def test_pytorch_without_torchserve_passes(manifest: dict[str, Any]) -> None:
    assert judge(manifest) == []


@pytest.mark.parametrize(
    "manifest",
    [
        workload(pod=template(container("ghcr.io/huggingface/text-generation-inference:3.3.7"))),
        workload(pod=template(container("corp/tgi:1.0", command=["text-generation-launcher"]))),
        workload(pod=template(container("registry.corp/mirror/text-generation-inference:3.3.7-rocm")), kind="Job"),
    ],
)
def test_tgi_runs_and_is_advised_against(manifest: dict[str, Any]) -> None:
    (told,) = judge(manifest)

    assert not told.mandatory
    assert "archived on 2026-03-21" in told.message and "engine: vllm" in told.message
