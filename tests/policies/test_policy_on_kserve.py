"""A model on KServe passes the pack with all that stands beside it, and each part of a hot one is held to its floor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate.manifests import kserve, kserve_parts, llm_inference_service, model
from tests.policies.judging import judge, violations
from tests.stacks import document, plan_document, plan_of, server

MODEL = "smollm2-135m"
PART = {"image": "registry.example/prompts:1.2.0", "memory": "256Mi", "cpus": "250m"}


@pytest.fixture
def hot(tmp_path: Path) -> list[dict[str, Any]]:
    """A hot model of two replicas behind a transformer, and an explainer."""
    data = document("local")
    parts = {"transformer": PART, "explainer": dict(PART)}
    own = {"foundation": "kserve", "tier": "hot", "replicas": {"min": 2, "max": 2}, "kserve": parts}
    data["config"]["substrate:models"][MODEL] |= own
    data["config"]["substrate:pools"]["cpu"]["nodeCpus"] = 8
    one = server(plan_document(data, tmp_path, "local"), MODEL)
    assert one.kserve
    service = kserve.inference_service(one, one.kserve)
    return [service, *model.faces(one), *kserve_parts.disruption_budgets(one, one.kserve)]


def test_model_with_its_parts_passes(hot: list[dict[str, Any]]) -> None:
    assert judge(*hot) == []


def test_transformer_below_a_hot_models_floor_is_refused(hot: list[dict[str, Any]]) -> None:
    hot[0]["spec"]["transformer"]["minReplicas"] = 1

    assert [text for text in violations(*hot) if "spec.transformer.minReplicas is 1" in text]


def test_llm_inference_service_passes(tmp_path: Path) -> None:
    data = document("fleet")
    models = data["config"]["substrate:models"]
    name = next(each for each in models if server(plan_of("fleet"), each).engine.name == "vllm")
    own = {"foundation": "kserve", "kserve": {"resource": "LLMInferenceService"}, "replicas": {"min": 1, "max": 1}}
    data["config"]["substrate:models"] = {name: {**models[name], **own, "tier": "standard"}}
    one = server(plan_document(data, tmp_path, "fleet"), name)

    assert judge(llm_inference_service.llm_inference_service(one), *model.faces(one)) == []
