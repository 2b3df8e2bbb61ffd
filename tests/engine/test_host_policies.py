"""The real engine runs the policy pack on a program that knows nothing of Substrate. Needs the CLI and the provider.

No cluster: the program's provider renders manifests to a folder. Previews are shared, since each takes seconds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import Finished, isolated, runner

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "policies"
FOREIGN = ROOT / "tests" / "policies" / "foreign"
CANARIES = ("sk-do-not-print", "hf-do-not-print")

# Mistake -> the resource as the message names it, the value found, and the way out.
MISTAKES: dict[str, tuple[str, str, str]] = {
    "hpa-v2": (
        "HorizontalPodAutoscaler ml/hpa-v2",
        "spec.metrics[0] is Resource cpu, target 70 %",
        "scale on requests in flight: vllm:num_requests_running + vllm:num_requests_waiting",
    ),
    "hpa-v1": (
        "HorizontalPodAutoscaler ml/hpa-v1",
        "spec.targetCPUUtilizationPercentage is 60",
        "scale on requests in flight",
    ),
    "hpa-empty": (
        "HorizontalPodAutoscaler ml/hpa-empty",
        "spec.metrics is empty: the API scales on cpu at 80 % then",
        "scale on requests in flight",
    ),
    "keda-cpu": (
        "ScaledObject ml/keda",
        "spec.triggers[0] is a cpu trigger, value 75",
        "scale on requests in flight",
    ),
    "keda-zero": ("ScaledObject ml/keda", "spec.minReplicaCount is 0", "set spec.minReplicaCount to at least 1"),
    "hot-zero": ("Deployment ml/hot", "spec.replicas is 0", "set spec.replicas to at least 1"),
    "isvc-zero": (
        "InferenceService ml/isvc",
        "spec.predictor.minReplicas is 0",
        "set spec.predictor.minReplicas to at least 1",
    ),
    "isvc-cpu": (
        "InferenceService ml/isvc",
        "spec.predictor.scaleMetric is cpu",
        "set serving.kserve.io/autoscalerClass: external and scale on requests in flight",
    ),
    "hpa-bounds": (
        "HorizontalPodAutoscaler ml/hpa-v2",
        "spec.minReplicas is 9, and spec.maxReplicas is 4",
        "set spec.maxReplicas to 9 or more",
    ),
    "metric-gone": (
        "ScaledObject ml/metric",
        "spec.triggers[0] asks for vllm:gpu_cache_usage_perc, which vllm does not export any more",
        "ask for vllm:kv_cache_usage_perc instead",
    ),
    "metric-zero": (
        "ScaledObject ml/metric",
        "spec.minReplicaCount is 0, and nothing wakes it",
        "set spec.minReplicaCount to at least 1",
    ),
    "metric-twice": (
        "ScaledObject ml/metric",
        "it scales Deployment ml/metric, and so does HorizontalPodAutoscaler ml/metric",
        "keep one of them",
    ),
    "no-budget": (
        "Deployment ml/pair",
        "no PodDisruptionBudget of the stack selects the 2 pods of it",
        "add a PodDisruptionBudget with maxUnavailable: 1",
    ),
    "recreate": (
        "Deployment ml/pair",
        "spec.strategy.type is Recreate with 2 replicas",
        "set spec.strategy to RollingUpdate",
    ),
    "surge": (
        "Deployment ml/full",
        "pool h100 has 0 of its 1 GPUs free of the 1 for a replica",
        "set spec.strategy to maxSurge: 0 and maxUnavailable: 1",
    ),
    "over": (
        "Deployment ml/over",
        "pool l40s has 1 GPUs, and its workloads always hold 2",
        "lower their least replicas",
    ),
    "mount-writable": (
        "Deployment ml/mount",
        "volumeMounts[weights] of container engine at /models is writable",
        "add readOnly: true to volumeMounts[weights] of container engine",
    ),
    "hub-fetched": (
        "Deployment ml/hub",
        "argument --model of container engine names a model of a hub, and HF_HUB_OFFLINE is not set",
        "stage the weights once, with a Job labelled app.kubernetes.io/component: stager",
    ),
    "code-trusted": (
        "Deployment ml/code",
        "argument --trust-remote-code of container engine is set",
        "take it away, or read the code, pin it by the weights' digest and annotate substrate.dev/allow-remote-code",
    ),
    "shared-with-host": (
        "Deployment ml/shared",
        "spec.template.spec: hostIPC is true",
        "take it away; processes that share memory need an emptyDir with medium: Memory",
    ),
    "latest": (
        "Deployment ml/tag",
        "is vllm/vllm-openai:latest: the tag latest moves",
        "pin the tag, e.g. vllm/vllm-openai:v1.2.3",
    ),
    "untagged": (
        "Deployment ml/untagged",
        "is registry.corp:5000/ml/vllm-openai: no tag, which means latest",
        "pin the tag, e.g. registry.corp:5000/ml/vllm-openai:v1.2.3",
    ),
    "tag-token": (
        "Deployment ml/tag",
        "env HF_TOKEN of container engine is written in plain text",
        "write it as env HF_TOKEN with valueFrom.secretKeyRef",
    ),
    "mount-key": (
        "Deployment ml/mount",
        "container engine is given a secret as its argument --api-key",
        "leave the argument out",
    ),
    "below-floor": (
        "Deployment ml/old",
        "is vllm/vllm-openai:v0.21.0, below vLLM 0.32.0: CVE-2026-115911",
        "take an image of vLLM 0.32.0 or newer",
    ),
    "isvc-mode": (
        "InferenceService ml/isvc",
        "annotation serving.kserve.io/deploymentMode is missing",
        "write serving.kserve.io/deploymentMode: Standard",
    ),
    "isvc-size": (
        "InferenceService ml/isvc",
        "spec.predictor.model has no resources",
        "write spec.predictor.model.resources",
    ),
    "no-policy": (
        "Namespace ml",
        "no NetworkPolicy there closes Ingress and Egress",
        "add a NetworkPolicy with podSelector: {}",
    ),
    "zmq": (
        "Service ml/asked",
        "spec.ports publishes 55555, ZMQ of vLLM's caches, of Deployment ml/asked",
        "publish the API's port alone",
    ),
    "open": (
        "HTTPRoute ml/asked",
        "it leads to Deployment ml/asked, a language model",
        "let the Gateway ask and say who does",
    ),
    "yatai": (
        "BentoDeployment ml/iris",
        "it is a resource of Yatai, serving.yatai.ai/v2alpha1",
        "make a Deployment of the image that `bentoml containerize` makes",
    ),
    "modelmesh": (
        "ServingRuntime ml/several",
        "spec.multiModel is true, which makes it a runtime of ModelMesh",
        "serve several models from one Triton server",
    ),
}
Command = Callable[..., Finished]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, search_path: str) -> Command:
    """The foreign program as `program("preview", "mistake", ...)`, always under the pack."""
    folder = tmp_path_factory.mktemp("foreign")
    project = folder / "project"
    shutil.copytree(FOREIGN, project)
    pulumi = runner(isolated(folder, search_path))
    created = pulumi(["stack", "init", "dev"], project)
    assert created.status == 0, created.output

    def run(command: str, *mistakes: str, options: tuple[str, ...] = ()) -> Finished:
        extra = {"MISTAKES": ",".join(mistakes), "RENDER_TO": str(folder / "rendered")}
        return pulumi([command, "--policy-pack", str(PACK), *options], project, extra)

    return run


def settings(folder: Path, values: dict[str, object]) -> tuple[str, str]:
    """The CLI's options for these settings, given to both policies."""
    file = folder / "pack.json"
    file.write_text(json.dumps({"llm-resource": values, "llm-stack": values}), encoding="utf-8")
    return "--policy-pack-config", str(file)


@pytest.fixture(scope="module")
def everything_wrong(program: Command) -> Finished:
    return program("preview", *MISTAKES)


@pytest.mark.parametrize(("resource", "value", "fix"), MISTAKES.values(), ids=MISTAKES.keys())
def test_preview_names_resource_value_and_fix(everything_wrong: Finished, resource: str, value: str, fix: str) -> None:
    told = [block for block in everything_wrong.output.split("[mandatory]") if f"{resource}: " in block]

    assert [block for block in told if value in block and f"fix: {fix}" in block], everything_wrong.output


def test_preview_with_violations_fails_and_tells_no_more_than_there_is(everything_wrong: Finished) -> None:
    assert everything_wrong.status != 0
    assert everything_wrong.output.count("[mandatory]") == len(MISTAKES), everything_wrong.output
    assert "Traceback" not in everything_wrong.output


def test_preview_prints_no_secret_of_the_program(everything_wrong: Finished) -> None:
    assert not [canary for canary in CANARIES if canary in everything_wrong.output]


@pytest.mark.parametrize("mistake", ["hpa-empty", "keda-zero", "hot-zero", "mount-writable", "untagged"])
def test_one_mistake_is_enough_to_fail(program: Command, mistake: str) -> None:
    preview = program("preview", mistake)

    assert preview.status != 0
    assert preview.output.count("[mandatory]") == 1, preview.output
    assert MISTAKES[mistake][1] in preview.output


def test_corrected_program_passes_and_comes_up(program: Command) -> None:
    preview = program("preview")
    assert preview.status == 0, preview.output
    assert "substrate@v" in preview.output and "[mandatory]" not in preview.output
    assert "can't run policy" not in preview.output, "a rule was skipped for an unknown value"

    up = program("up", options=("--yes", "--skip-preview"))
    assert up.status == 0, up.output
    assert "substrate@v" in up.output and "[mandatory]" not in up.output


def test_update_without_preview_stops_before_the_resource_is_made(program: Command) -> None:
    up = program("up", "untagged", options=("--yes", "--skip-preview"))

    assert up.status != 0
    assert MISTAKES["untagged"][1] in up.output, up.output
    assert "Resource monitor has terminated" not in up.output and "Traceback" not in up.output


def test_settings_reach_the_rules(program: Command, tmp_path: Path) -> None:
    preview = program("preview", options=settings(tmp_path, {"hotMinReplicas": 3}))

    assert preview.status != 0
    assert "spec.replicas is 2, and a hot model keeps at least 3" in preview.output, preview.output
    assert "spec.minReplicaCount is 2, and a hot model keeps at least 3" in preview.output, preview.output


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hotMinReplicas": 0}, "hotMinReplicas: Must be greater than or equal to 1"),
        ({"hotMinReplicas": "two"}, "hotMinReplicas: Invalid type"),
        ({"hotMinReplica": 2}, "there is no setting hotMinReplica"),
    ],
)
def test_wrong_setting_is_refused_by_its_name(
    program: Command, tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    preview = program("preview", options=settings(tmp_path, wrong))

    assert preview.status != 0
    assert said in preview.output and "Traceback" not in preview.output, preview.output
