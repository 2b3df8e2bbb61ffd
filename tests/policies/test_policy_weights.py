"""Weights are mounted read-only by everything that serves them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import topic
from tests.policies.written import LLM, bare, claim_volume, container, inference_service, mount, template, workload

judge, violations, only = topic("weights")

DIGEST = "ab" * 32


def served(mount_: dict[str, Any], volume: dict[str, Any], **engine: Any) -> dict[str, Any]:
    return workload(pod=template(container(volumeMounts=[mount_], **engine), volumes=[volume]))


NFS = {"name": "weights", "nfs": {"server": "store-01", "path": "/export/models"}}
CSI = {"name": "weights", "csi": {"driver": "fuse.csi.example"}}
HOST = {"name": "weights", "hostPath": {"path": "/srv/models"}}
WRITABLE: dict[str, tuple[dict[str, Any], str]] = {
    "by path": (served(mount("/models"), claim_volume()), "at /models is writable"),
    "below the path": (served(mount("/mnt/models/llama"), claim_volume()), "at /mnt/models/llama is writable"),
    "said to be writable": (served(mount(readOnly=False), claim_volume(readOnly=False)), "at /models is writable"),
    "by the claim's name": (
        served(mount("/data"), claim_volume("weights-store-01")),
        "claim weights-store-01 holds weights",
    ),
    "by the model argument": (
        served(mount("/srv/llm"), claim_volume(), args=["--model", "/srv/llm/llama"]),
        "at /srv/llm is writable, and the engine's model lies under it",
    ),
    "by the model argument with =": (
        served(mount("/srv"), claim_volume(), args=["--model=/srv/llama"]),
        "the engine's model lies under it",
    ),
    "by vllm serve PATH": (
        served(mount("/srv"), claim_volume(), command=["vllm", "serve", "/srv/llama"]),
        "the engine's model lies under it",
    ),
    "by a script": (
        served(mount("/srv"), claim_volume(), command=["bash", "-c", "exec llama-server -m '/srv/a b.gguf'"]),
        "the engine's model lies under it",
    ),
    "by a variable": (
        served(mount("/srv"), claim_volume(), env=[{"name": "MODEL_ID", "value": "/srv/llama"}]),
        "the engine's model lies under it",
    ),
    "NFS": (served(mount(), NFS), "at /models is writable"),
    "CSI": (served(mount(), CSI), "at /models is writable"),
    "a folder of the node": (served(mount(), HOST), "at /models is writable"),
    "an init container that downloads": (
        workload(
            pod=template(
                container(volumeMounts=[mount(readOnly=True)]),
                initContainers=[container("python:3.13.9", "fetch", volumeMounts=[mount()])],
                volumes=[claim_volume()],
            )
        ),
        "volumeMounts[weights] of init container fetch",
    ),
    "a claim of a StatefulSet's own": (
        workload(
            pod=template(container(volumeMounts=[mount()])),
            kind="StatefulSet",
            volumeClaimTemplates=[{"metadata": {"name": "weights"}}],
        ),
        "at /models is writable",
    ),
    "a DaemonSet": (
        workload(pod=template(container(volumeMounts=[mount()]), volumes=[HOST]), kind="DaemonSet"),
        "at /models is writable",
    ),
    "a Job that infers": (
        workload(pod=template(container(volumeMounts=[mount()]), volumes=[NFS]), kind="Job", version="batch/v1"),
        "at /models is writable",
    ),
    "a bare Pod": (
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "llama", "namespace": "ml"},
            "spec": {"containers": [container(volumeMounts=[mount()])], "volumes": [NFS]},
        },
        "at /models is writable",
    ),
    "KServe's predictor": (
        inference_service(
            {"model": {"modelFormat": {"name": "vllm"}, "volumeMounts": [mount("/mnt/models")]}, "volumes": [NFS]}
        ),
        "volumeMounts[weights] of container model at /mnt/models is writable",
    ),
}


@pytest.mark.parametrize(("manifest", "found"), WRITABLE.values(), ids=WRITABLE.keys())
def test_writable_mount_of_weights_is_refused(manifest: dict[str, Any], found: str) -> None:
    message = only(manifest)

    assert f"{manifest['kind']} ml/llama" in message and found in message
    assert "add readOnly: true to volumeMounts[weights] of " in message


@pytest.mark.parametrize(
    "manifest",
    [
        served(mount(readOnly=True), claim_volume()),
        served(mount(), claim_volume(readOnly=True)),
        served(mount(), {**NFS, "nfs": {**NFS["nfs"], "readOnly": True}}),  # type: ignore[dict-item]
        served(mount(readOnly=True), HOST),
    ],
)
def test_mount_or_volume_read_only_is_enough(manifest: dict[str, Any]) -> None:
    assert violations(manifest) == []


@pytest.mark.parametrize(
    ("path", "volume"),
    [
        ("/models", {"name": "weights", "emptyDir": {}}),
        ("/models", {"name": "weights", "ephemeral": {"volumeClaimTemplate": {}}}),
        ("/models", {"name": "weights", "image": {"reference": "registry.corp/weights:3"}}),
        ("/root/.cache/huggingface", claim_volume("hub")),
        ("/models-cache", claim_volume("hub")),
        ("/var/log/engine", claim_volume("logs")),
    ],
)
def test_scratch_and_caches_stay_writable(path: str, volume: dict[str, Any]) -> None:
    assert violations(served(mount(path), volume, args=["--model", "meta/llama"])) == []


def test_digest_of_the_annotation_marks_a_mount_anywhere() -> None:
    annotated = served(mount("/srv/current", subPath=DIGEST), claim_volume("shared"))
    annotated["metadata"]["annotations"] = {"substrate.dev/weights-digest": DIGEST}

    assert "its subPath is the digest" in only(annotated)


def test_stager_writes_but_its_label_excuses_no_server() -> None:
    stager = {"app.kubernetes.io/component": "stager", **LLM}
    pod = template(container("substrate.local/stager:1", volumeMounts=[mount("/weights")]), volumes=[claim_volume()])

    assert violations(workload(pod=pod, kind="Job", version="batch/v1", labels=stager)) == []
    assert "at /weights is writable" in only(workload(pod=pod, labels=stager))


def test_kserve_annotation_that_makes_weights_writable_is_refused() -> None:
    found = only(inference_service(annotations={"storage.kserve.io/readonly": "false"}))

    assert "annotation storage.kserve.io/readonly is false" in found


def test_each_writable_mount_is_told_of() -> None:
    pod = template(
        container(volumeMounts=[mount("/models"), mount("/weights", "more")]),
        volumes=[claim_volume(), claim_volume("more", "more")],
    )

    assert len(judge(workload(pod=pod))) == 2


def unnamed(manifest: dict[str, Any], digest: str | None = None) -> dict[str, Any]:
    """The same, with another digest or none."""
    for holder in (manifest["metadata"], manifest["spec"]["template"]["metadata"]):
        holder["annotations"] = {"substrate.dev/weights-digest": digest} if digest else {}
    return manifest


READ_ONLY = mount(readOnly=True)
NAMELESS: dict[str, tuple[dict[str, Any], str]] = {
    "a claim": (unnamed(served(READ_ONLY, claim_volume())), "volume weights holds weights"),
    "NFS": (unnamed(served(READ_ONLY, NFS)), "is missing"),
    "by the model argument": (
        unnamed(served(mount("/srv", readOnly=True), claim_volume(), args=["--model=/srv/a"])),
        "is missing",
    ),
    "a StatefulSet": (unnamed({**served(READ_ONLY, claim_volume()), "kind": "StatefulSet"}), "is missing"),
    "no digest at all": (unnamed(served(READ_ONLY, claim_volume()), "v3"), "is no sha256"),
    "one of two": (unnamed(served(READ_ONLY, claim_volume()), f"{DIGEST},main"), "is no sha256"),
    "KServe's claim": (
        inference_service({"annotations": {}}),
        "spec.predictor.model.storageUri holds weights, and annotation substrate.dev/weights-digest is missing",
    ),
}


@pytest.mark.parametrize(("manifest", "found"), NAMELESS.values(), ids=NAMELESS.keys())
def test_weights_that_nobody_names_are_advised_against(manifest: dict[str, Any], found: str) -> None:
    (told,) = judge(manifest)

    assert found in told.message and "rule: no-digest" in told.message and not told.mandatory


@pytest.mark.parametrize(
    "manifest",
    [
        unnamed(served(READ_ONLY, claim_volume()), DIGEST),
        unnamed(served(READ_ONLY, claim_volume()), f"sha256:{DIGEST}, {DIGEST}"),
        unnamed(served(mount("/root/.cache", readOnly=True), claim_volume("hub"))),
        unnamed(served(mount(), {"name": "weights", "emptyDir": {}})),
        inference_service({"annotations": {}}, annotations={"substrate.dev/weights-digest": DIGEST}),
        workload(pod={"spec": {"containers": [bare("corp/web:1", volumeMounts=[mount()])], "volumes": [NFS]}}),
    ],
)
def test_named_weights_and_other_volumes_pass(manifest: dict[str, Any]) -> None:
    assert judge(manifest) == []
