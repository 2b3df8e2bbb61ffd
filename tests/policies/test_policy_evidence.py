"""A service of KServe's is a language model's by its format or its GPU, and told so; a classical one is not."""

from __future__ import annotations

from typing import Any

import pytest

from policies.resources.objects import objects_of
from policies.resources.subject import Subject
from policies.settings import settings_from
from tests.policies.judging import token
from tests.policies.ordinary import GPU, kserve
from tests.policies.written import inference_service

LANGUAGE: dict[str, tuple[dict[str, Any], str]] = {
    "format huggingface": (inference_service(), "format huggingface"),
    "format of somebody's own runtime": (kserve({"model": {"modelFormat": {"name": "corp-llm"}}}), "format corp-llm"),
    "no format": (kserve({"model": {"runtime": "corp"}}), "kind InferenceService of KServe"),
    "Triton with a GPU": (
        kserve({"triton": {"storageUri": "pvc://m/x", "resources": GPU}}),
        "format triton, and container triton asks for nvidia.com/gpu",
    ),
    "own container with a GPU": (
        kserve({"containers": [{"name": "server", "image": "corp/x:1", "resources": GPU}]}),
        "and container server asks for nvidia.com/gpu",
    ),
    "own container of a known server": (
        kserve({"containers": [{"name": "server", "image": "vllm/vllm-openai:v0.19.0"}]}),
        "container server runs image vllm/vllm-openai:v0.19.0",
    ),
    "own container, the older way": (
        kserve({"containers": [{"name": "server", "command": ["vllm", "serve"]}]}, "v1alpha2"),
        "container server runs `vllm serve`",
    ),
}
CLASSICAL = {
    "tensorflow with a GPU": kserve({"tensorflow": {"storageUri": "gs://m/x", "resources": GPU}}),
    "format pytorch": kserve({"model": {"modelFormat": {"name": "pytorch"}}}),
    "format keras with a GPU": kserve({"model": {"modelFormat": {"name": "keras"}, "resources": GPU}}),
    "Triton on CPU": kserve({"model": {"modelFormat": {"name": "triton"}}}),
    "own container on CPU": kserve({"containers": [{"name": "server", "image": "corp/x:1"}]}),
}


def subject(manifest: dict[str, Any]) -> Subject:
    (obj,) = objects_of(token(manifest), manifest)
    return Subject(obj, settings_from({}))


@pytest.mark.parametrize(("manifest", "why"), LANGUAGE.values(), ids=LANGUAGE.keys())
def test_language_model_is_recognised_with_its_evidence(manifest: dict[str, Any], why: str) -> None:
    assert why in str(subject(manifest).served)


@pytest.mark.parametrize("manifest", CLASSICAL.values(), ids=CLASSICAL.keys())
def test_classical_model_is_not_taken_for_one(manifest: dict[str, Any]) -> None:
    assert subject(manifest).served is None
