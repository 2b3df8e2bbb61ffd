"""Every image that anybody runs is pinned."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import topic
from tests.policies.written import container, inference_service, metadata, template, workload

judge, violations, only = topic("images")

DIGEST = "sha256:" + "0" * 64
UNPINNED = {
    "nginx": "no tag, which means latest",
    "nginx:latest": "the tag latest moves",
    "nginx:Latest": "the tag latest moves",
    "nginx:": "no tag, which means latest",
    "localhost:5000/nginx": "no tag, which means latest",
    "registry.corp:5000/team/nginx": "no tag, which means latest",
    "registry.corp:5000/team/nginx:latest": "the tag latest moves",
    "nginx@sha256:0123": "its digest is not whole",
    "nginx@": "its digest is not whole",
    "": "is empty",
    "  ": "is empty",
}
PINNED = (
    "nginx:1.29",
    "localhost:5000/nginx:1",
    "registry.corp:5000/team/nginx:1.29-alpine",
    f"nginx@{DIGEST}",
    f"nginx:1.29@{DIGEST}",
    f"localhost:5000/nginx:latest@{DIGEST}",
    "nginx:latest-but-named",
)


@pytest.mark.parametrize(("image", "flaw"), UNPINNED.items())
def test_unpinned_image_is_refused_in_any_workload(image: str, flaw: str) -> None:
    message = only(workload("web", template(container(image, "web"))))

    assert "Deployment ml/web: image of container web" in message and flaw in message
    assert "pin the tag, e.g. " in message and ":v1.2.3" in message


@pytest.mark.parametrize("image", PINNED)
def test_pinned_image_passes(image: str) -> None:
    assert violations(workload("web", template(container(image, "web")))) == []


def test_fix_keeps_the_registry_and_its_port() -> None:
    found = only(workload("web", template(container("registry.corp:5000/team/nginx", "web"))))

    assert "registry.corp:5000/team/nginx:v1.2.3 or registry.corp:5000/team/nginx@sha256:" in found


@pytest.mark.parametrize(
    ("key", "role"),
    [("containers", "container"), ("initContainers", "init container"), ("ephemeralContainers", "ephemeral container")],
)
def test_every_list_of_containers_is_read(key: str, role: str) -> None:
    pod = {"spec": {"containers": [container("nginx:1", "web")], key: [container("nginx", "x")]}}

    assert f"image of {role} x is nginx: no tag" in only(workload("web", pod))


def deep(path: tuple[str, ...], kind: str, version: str) -> dict[str, Any]:
    spec: Any = {"containers": [container("nginx", "x")]}
    for key in reversed(path):
        spec = [{key[:-2]: spec}] if key.endswith("[]") else {key: spec}
    return {"apiVersion": version, "kind": kind, "metadata": metadata("x"), "spec": spec}


@pytest.mark.parametrize(
    ("kind", "version", "path"),
    [
        ("Pod", "v1", ()),
        ("CronJob", "batch/v1", ("jobTemplate", "spec", "template", "spec")),
        ("PodTemplate", "v1", ("template", "spec")),
        ("ServingRuntime", "serving.kserve.io/v1alpha1", ()),
        ("LeaderWorkerSet", "leaderworkerset.x-k8s.io/v1", ("leaderWorkerTemplate", "workerTemplate", "spec")),
        ("RayCluster", "ray.io/v1", ("headGroupSpec", "template", "spec")),
    ],
)
def test_pods_are_found_in_every_kind(kind: str, version: str, path: tuple[str, ...]) -> None:
    assert f"{kind} ml/x: image of container x is nginx: no tag" in only(deep(path, kind, version))


def test_items_of_a_list_are_read_one_by_one() -> None:
    items = [workload("a", template(container("nginx", "x"))), workload("b", template(container("nginx:1", "x")))]

    assert "Deployment ml/a" in only({"apiVersion": "v1", "kind": "List", "items": items})
    bare = [{key: value for key, value in item.items() if key in ("metadata", "spec")} for item in items]
    assert "Deployment ml/a" in only({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": bare})


def test_image_volume_is_pinned_too() -> None:
    volumes = [{"name": "weights", "image": {"reference": "registry.corp/weights:latest"}}]

    assert "image of volume weights" in only(workload("web", template(container("nginx:1"), volumes=volumes)))


def test_kserve_takes_the_image_from_its_runtime() -> None:
    assert violations(inference_service()) == []
    assert "image of container model" in only(
        inference_service({"model": {"modelFormat": {"name": "vllm"}, "image": "corp/vllm"}})
    )


@pytest.mark.parametrize(
    "image", ["$VLLM_IMAGE", "${VLLM_IMAGE}", "$(IMAGE)", "<your image>", "{{ .Values.image }}", "{image}"]
)
def test_placeholder_of_a_whole_image_is_neither_passed_nor_refused(image: str) -> None:
    (told,) = judge(workload("web", template(container(image, "web"))))

    assert not told.mandatory and f"image of container web is the placeholder {image}" in told.message


@pytest.mark.parametrize("image", ["{username}/web:latest", "$REGISTRY/web", "$IMAGE:latest"])
def test_placeholder_of_a_part_hides_no_flaw(image: str) -> None:
    assert f"image of container web is {image}" in only(workload("web", template(container(image, "web"))))


def test_model_of_a_trained_model_is_no_container() -> None:
    model = {"storageUri": "gs://m/sklearn", "framework": "sklearn", "memory": "256Mi"}
    spec = {"inferenceService": "iris", "model": model}

    assert judge({**deep((), "TrainedModel", "serving.kserve.io/v1alpha1"), "spec": spec}) == []


def test_each_image_is_told_of_once() -> None:
    pod = template(container("nginx", "a"), container("redis:latest", "b"), container("busybox:1", "c"))

    assert len(judge(workload("web", pod))) == 2
