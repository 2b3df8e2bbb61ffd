"""What is known to be broken does not run: each product has a floor, however tags are written, and no floor falls."""

from __future__ import annotations

from typing import Any

import pytest

from policies.floors import FLOORS, PRODUCTS, version_in
from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import bare, container, inference_service, knative, template, workload

judge, violations, only = topic("versions")

# What the floors were on 2026-11-24. Raise a floor, and leave its line here: only a lower one fails.
SNAPSHOT = {
    "vllm": "0.32.0",
    "triton": "26.03",
    "bentoml": "1.4.39",
    "ray": "2.54.0",
    "kuberay": "1.6.0",
    "ollama": "0.17.1",
    "llama-cpp-python": "0.3.36",
    "llama.cpp": "b9061",
    "tgi": "3.3.7",
    "sglang": "0.5.10",
    "kserve": "0.19.0",
    "knative": "1.22.1",
    "torch": "2.6.0",
    "nvidia-container-toolkit": "1.17.8",
}
BELOW = [
    "vllm/vllm-openai:v0.31.9",
    "vllm/vllm-openai:0.9.2-cu126",
    "docker.io/vllm/vllm-openai:v0.32.0rc1",
    "registry.corp:5000/mirror/vllm/vllm-openai:v0.21.0-aarch64",
    f"vllm/vllm-openai:v0.21.0@sha256:{'0' * 64}",
    "vllm/vllm-openai-cpu:v0.21.0",
    "public.ecr.aws/q9t5s3a7/vllm:v0.8.4",
    "nvcr.io/nvidia/tritonserver:26.02-py3",
    "nvcr.io/nvidia/tritonserver:24.10-trtllm-python-py3",
    "substrate.local/tritonserver:2.51.0",
    "registry.corp/bentoml:1.4.38",
    "rayproject/ray:2.53.0-py311-gpu",
    "rayproject/ray-llm:2.46.0-py311-cu124",
    "quay.io/kuberay/operator:v1.5.1",
    "ollama/ollama:0.17.0-rocm",
    "ghcr.io/ggml-org/llama.cpp:server-cuda-b9060",
    "ghcr.io/ggml-org/llama.cpp:b4719",
    "ghcr.io/ggml-org/llama.cpp:server-v0.5.9",
    "substrate.local/llama.cpp:0.3.35",
    "ghcr.io/huggingface/text-generation-inference:3.3.6",
    "ghcr.io/huggingface/text-generation-inference:2.4",
    "lmsysorg/sglang:v0.5.9-cu126",
    "kserve/kserve-controller:v0.18.2",
    "kserve/huggingfaceserver:v0.15.0-gpu",
    "gcr.io/knative-releases/knative.dev/serving/cmd/controller:v1.21.0",
    "nvcr.io/nvidia/k8s/container-toolkit:v1.17.7-ubuntu20.04",
]
ABOVE = [
    "vllm/vllm-openai:v0.32.0",
    "vllm/vllm-openai:0.33.0",
    "vllm/vllm-openai:v0.32.0.post1",
    "vllm/vllm-openai:v1.0.0rc1",
    "nvcr.io/nvidia/tritonserver:26.07-py3",
    "nvcr.io/nvidia/tritonserver:26.03-vllm-python-py3",
    "rayproject/ray:2.54.0-py311-gpu",
    "rayproject/ray:2.60.0.a1b2c3-py311",
    "ollama/ollama:0.17.4-rocm",
    "ghcr.io/ggml-org/llama.cpp:server-cuda-b11434",
    "ghcr.io/ggml-org/llama.cpp:b9061",
    "ghcr.io/ggml-org/llama.cpp:server-v0.6.0",
    "substrate.local/llama.cpp:0.3.36",
    "lmsysorg/sglang:v0.5.10.post1-cu126",
    "kserve/huggingfaceserver:v0.19.0-gpu",
    # Beside them, and other numberings of other things.
    "lmcache/lmstack-router:v0.1.7",
    "registry.corp/vllm-router:0.1.0",
    "ghcr.io/open-webui/open-webui:v0.6.36",
    "nginx:1.9",
    "registry.corp/chat:0.1.0",
    "kserve/sklearnserver:v0.11.0",
]
UNREADABLE = [
    "registry.corp/ml/vllm-openai:1",
    "vllm/vllm-openai:nightly",
    "vllm/vllm-openai:prod-2026",
    "lmcache/vllm-openai:v0.3.9",
    "ghcr.io/ggml-org/llama.cpp:server-cuda",
    "ollama/ollama:rocm",
    "ghcr.io/huggingface/text-generation-inference:sha-1a2b3c4",
]


def running(image: str, **written: Any) -> dict[str, Any]:
    return workload(pod=template(container(image)), **written)


def test_no_floor_ever_falls() -> None:
    assert SNAPSHOT.keys() <= FLOORS.keys()
    for name, was in SNAPSHOT.items():
        now, then = version_in(name, FLOORS[name]), version_in(name, was)
        assert now and then and now >= then, name


def test_every_row_says_what_was_found_and_where_it_is_said() -> None:
    assert all(row.found and row.source and version_in(row.name, row.floor) for row in PRODUCTS)


@pytest.mark.parametrize("image", BELOW)
def test_image_below_its_floor_is_refused_with_what_was_found_and_when(image: str) -> None:
    said = only(running(image))

    assert f"image of container engine is {image}, below " in said
    assert "(read 2026-11-23: " in said and " or newer" in said


@pytest.mark.parametrize("image", ABOVE)
def test_image_at_its_floor_or_above_passes_and_what_has_no_floor_too(image: str) -> None:
    assert judge(running(image)) == []


@pytest.mark.parametrize("image", UNREADABLE)
def test_tag_that_says_no_version_is_refused(image: str) -> None:
    assert "which says no version of " in only(running(image))


@pytest.mark.parametrize(
    "manifest",
    [
        workload(pod=template(container(), initContainers=[container("ollama/ollama:0.1.0", "init")])),
        running("vllm/vllm-openai:v0.8.4", kind="StatefulSet"),
        running("vllm/vllm-openai:v0.8.4", kind="Job", version="batch/v1"),
        inference_service({"model": {"modelFormat": {"name": "x"}, "image": "vllm/vllm-openai:v0.8.4"}}),
        knative({}, "vllm/vllm-openai:v0.8.4"),
        {
            **workload(kind="LeaderWorkerSet", version="leaderworkerset.x-k8s.io/v1"),
            "spec": {"leaderWorkerTemplate": {"workerTemplate": template(container("vllm/vllm-openai:v0.8.4"))}},
        },
    ],
)
def test_no_kind_of_workload_hides_an_image(manifest: dict[str, Any]) -> None:
    assert ", below " in only(manifest)


def test_pytorch_is_judged_where_it_serves_a_language_model_and_not_where_it_trains() -> None:
    old = "pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime"

    assert "below PyTorch 2.6.0" in only(running(old, labels={"substrate.dev/workload": "llm"}))
    assert judge(workload("train", template(bare(old)), kind="Job", version="batch/v1")) == []


@pytest.mark.parametrize("image", [f"vllm/vllm-openai@sha256:{'0' * 64}", "vllm/vllm-openai:latest"])
def test_image_without_a_version_is_not_applicable_and_never_passed(image: str) -> None:
    (told,) = judge(running(image))

    assert not told.mandatory and "rule below-floor is not applicable" in told.message
    assert "substrate.dev/vllm-version" in told.message


@pytest.mark.parametrize(
    ("image", "said", "passes"),
    [
        ("registry.corp/ml/vllm-openai:prod", "0.32.0", True),
        ("registry.corp/ml/vllm-openai:prod", "0.31.0", False),
        ("registry.corp/ml/vllm-openai:prod", "the newest", False),
        (f"vllm/vllm-openai@sha256:{'0' * 64}", "v0.33.0", True),
        # What the tag itself says is not for an annotation to change.
        ("vllm/vllm-openai:v0.21.0", "0.33.0", False),
    ],
)
def test_annotation_says_the_version_that_a_tag_does_not(image: str, said: str, passes: bool) -> None:
    told = {"substrate.dev/vllm-version": said}
    on_pod = template(container(image))
    on_pod["metadata"]["annotations"] = told

    for manifest in (running(image, annotations=told), workload(pod=on_pod)):
        assert (judge(manifest) == []) == passes


def release(chart: str, version: str | None) -> dict[str, Any]:
    said = {"version": version} if version else {}
    metadata = {"name": "platform", "namespace": "kserve"}
    return {"apiVersion": "helm.sh/v3", "kind": "Release", "metadata": metadata, "chart": chart, **said}


@pytest.mark.parametrize("chart", ["oci://ghcr.io/kserve/charts/kserve-resources", "kserve-crd", "./charts/kserve"])
def test_chart_of_a_platform_has_a_floor_too(chart: str) -> None:
    assert "has version v0.15.0, below KServe 0.19.0" in only(release(chart, "v0.15.0"))
    assert judge(release(chart, "v0.19.0")) == []
    assert [one.mandatory for one in judge(release(chart, None))] == [False]


def test_chart_of_something_else_has_none() -> None:
    assert judge(release("kube-prometheus-stack", "0.0.1"), release("kuberay-operator", "1.6.0")) == []


def test_setting_raises_a_floor() -> None:
    raised = {"floors": {"vllm": "0.33.0"}}

    assert "below vLLM 0.33.0" in only(running("vllm/vllm-openai:v0.32.0"), config=raised)
    assert violations(running("vllm/vllm-openai:v0.33.0"), config=raised) == []


@pytest.mark.parametrize(
    ("floors", "said"),
    [
        ({"vllm": "0.8.0"}, "floors.vllm is 0.8.0, and a floor is only ever raised"),
        ({"vllm": "newest"}, "floors.vllm is no version"),
        ({"vlm": "0.33.0"}, "floors.vlm is a floor of no product"),
    ],
)
def test_setting_that_raises_no_floor_is_refused_and_lowers_none(floors: dict[str, str], said: str) -> None:
    told = violations(running("vllm/vllm-openai:v0.21.0"), config={"floors": floors})

    assert [one for one in told if said in one]
    assert [one for one in told if "below vLLM 0.32.0" in one]


def test_image_that_is_not_known_yet_is_told() -> None:
    assert [one.mandatory for one in judge(running(UNKNOWN))] == [False]
