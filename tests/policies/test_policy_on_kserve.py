"""A model on KServe passes the pack with all that stands beside it, and each part of a hot one is held to its floor.

What KServe then makes of it, the API server judges by the same rules: the policies of `substrate policy --admission`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate.manifests import kserve, kserve_parts, llm_inference_service, model
from substrate.plan import StackPlan
from tests.engine.expansion import expanded
from tests.policies.admission_corpus import by_the_pack
from tests.policies.judging import Manifest, judge, violations
from tests.policies.written import VLLM, bare, container, inference_service, template
from tests.stacks import STACKS, document, plan_document, plan_of, server, unscaled

MODEL = "smollm2-135m"
PART = {"image": "registry.example/prompts:1.2.0", "memory": "256Mi", "cpus": "250m"}


HOT = {"tier": "hot", "replicas": {"min": 2, "max": 2}, "kserve": {"transformer": PART, "explainer": dict(PART)}}
LOGGING = {"logging": {"sink": "http://events.audit/"}}
STANDARD = {"serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "none"}


def on_kserve(folder: Path, **block: Any) -> StackPlan:
    """The local stack with its model moved there."""
    data = unscaled("local")
    data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve", **block}
    data["config"]["substrate:pools"]["cpu"]["nodeCpus"] = 8
    return plan_document(data, folder, "local")


@pytest.fixture
def hot(tmp_path: Path) -> list[dict[str, Any]]:
    """A hot model of two replicas behind a transformer, and an explainer."""
    one = server(on_kserve(tmp_path, **HOT), MODEL)
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


def deployments(service: Manifest, *runtimes: Manifest) -> list[Manifest]:
    """As KServe makes them in Standard mode (tests/cluster/test_extra_kserve.py): one a part, metadata handed on."""
    used = [each for each in runtimes if each["metadata"]["name"] == service["spec"]["predictor"]["model"]["runtime"]]
    pods = zip(service["spec"].items(), expanded([service, *used]), strict=True)
    return [deployment(service, part, fields, pod["spec"]) for (part, fields), pod in pods]


def deployment(service: Manifest, part: str, fields: Manifest, pod: Manifest) -> Manifest:
    given = service["metadata"]
    said = {key: {**given.get(key, {}), **fields.get(key, {})} for key in ("labels", "annotations")}
    least = (
        {"replicas": fields["minReplicas"]} if "minReplicas" in fields else {}
    )  # class external leaves it to a scaler
    spec = {**least, "template": {"metadata": said, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": part, **said}, "spec": spec}


@pytest.mark.parametrize(
    "stack", [*STACKS, {}, HOT, LOGGING], ids=lambda given: given if isinstance(given, str) else None
)
def test_what_kserve_makes_of_our_models_is_admitted(stack: str | dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(stack) if isinstance(stack, str) else on_kserve(tmp_path, **stack)
    runtimes = [kserve.serving_runtime(each) for each in (plan.kserve.runtimes if plan.kserve else ())]
    services = [kserve.inference_service(one, one.kserve) for one in plan.servers if one.kserve]

    made = [each for service in services for each in deployments(service, *runtimes)]
    assert [by_the_pack(each) for each in made] == [set() for _ in made]
    assert made or stack == "local"


def test_what_a_runtime_of_elsewhere_leaves_out_is_seen_in_the_deployment_alone() -> None:
    """The pack does not guess a runtime that is not in the stack; the server sees what came of it."""
    said = {"modelFormat": {"name": "vLLM"}, "runtime": "vendors", "storageUri": "pvc://weights/a"}
    service = inference_service({"model": {**said, "resources": container()["resources"]}}, annotations=STANDARD)
    lax, whole = vendors(bare(VLLM, "kserve-container")), vendors(container(name="kserve-container"))
    whole["spec"]["securityContext"] = template()["spec"]["securityContext"]

    assert not [one for one in judge(service) if one.mandatory]
    assert by_the_pack(*deployments(service, lax)) == {"restricted-pod", "no-readiness", "writable-root"}
    assert violations(service, lax), "the pack sees it too, where it is in the stack"
    assert by_the_pack(*deployments(service, whole)) == set()


def vendors(served: Manifest) -> Manifest:
    spec = {"supportedModelFormats": [{"name": "vLLM"}], "containers": [served]}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": "vendors"},
        "spec": spec,
    }
