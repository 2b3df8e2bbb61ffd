"""Identity, links, resources and shared memory of a model's pods, the ways in which they are missed, near misses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.examples.pods import ACCOUNT, GPU, SHARED, split
from tests.policies.judging import RESOURCE, UNKNOWN, topic
from tests.policies.written import bare, container, inference_service, knative, mount, template, workload

judge, violations, only = topic("pods")

Manifest = dict[str, Any]
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
TOKEN, LINKS = "automountServiceAccountToken", "enableServiceLinks"


def pod(*containers: Manifest, kind: str = "Deployment", version: str = "apps/v1", **spec: Any) -> Manifest:
    return workload(pod=template(*(containers or (container(),)), **spec), kind=kind, version=version)


def group(**worker: Any) -> Manifest:
    pods = {"leaderTemplate": template(container()), "workerTemplate": template(container(), **worker)}
    made = workload(kind="LeaderWorkerSet", version="leaderworkerset.x-k8s.io/v1")
    return {**made, "spec": {"leaderWorkerTemplate": pods}}


def cluster(head: Manifest, **spec: Any) -> Manifest:
    made = workload(kind="RayCluster", version="ray.io/v1")
    return {**made, "spec": {"headGroupSpec": {"template": head}, "workerGroupSpecs": [], **spec}}


def account(name: str = "engine", mounts: bool | None = False) -> Manifest:
    return {**ACCOUNT, "metadata": {**ACCOUNT["metadata"], "name": name}, TOKEN: mounts}


MOUNTED: dict[str, tuple[list[Manifest], str]] = {
    "not said": ([pod(**{TOKEN: None})], "spec.template.spec.automountServiceAccountToken is not set"),
    "said": ([pod(**{TOKEN: True})], "automountServiceAccountToken is true"),
    "said against the account": ([account(), pod(serviceAccountName="engine", **{TOKEN: True})], "is true"),
    "another account's": ([account("other"), pod(serviceAccountName="engine", **{TOKEN: None})], "is not set"),
    "an account that mounts": ([account(mounts=None), pod(serviceAccountName="engine", **{TOKEN: None})], "is not set"),
    "a worker's": ([group(**{TOKEN: None})], "spec.leaderWorkerTemplate.workerTemplate.spec.automount"),
    "a StatefulSet's": ([pod(kind="StatefulSet", **{TOKEN: None})], "is not set"),
    "a batch Job's": ([pod(kind="Job", version="batch/v1", **{TOKEN: None})], "is not set"),
    "Ray's head, which scales nothing": ([cluster(template(container(), **{TOKEN: None}))], "is not set"),
    "KServe's, whose runtime cannot say it": (
        [inference_service({TOKEN: None}, annotations=STANDARD)],
        "spec.predictor.automountServiceAccountToken is not set",
    ),
}


@pytest.mark.parametrize(("stack", "found"), MOUNTED.values(), ids=MOUNTED.keys())
def test_token_of_a_service_account_is_refused(stack: list[Manifest], found: str) -> None:
    assert found in only(*stack)


UNMOUNTED: dict[str, list[Manifest]] = {
    "by the pod": [pod()],
    "by its account": [account(), pod(serviceAccountName="engine", **{TOKEN: None})],
    "by the account of pods that name none": [account("default"), pod(**{TOKEN: None})],
    "Ray's head that scales": [cluster(template(container(), **{TOKEN: None}), enableInTreeAutoscaling=True)],
    "an ordinary pod": [workload(pod={"spec": {"containers": [bare("nginx:1.29")]}})],
    "the scheduler before the models, which asks the API": [
        {
            **workload(kind="LLMInferenceService", version="serving.kserve.io/v1alpha1"),
            "spec": {
                "model": {"uri": "pvc://a/b"},
                "router": {"scheduler": {"template": {"containers": [bare("corp/epp:1")], TOKEN: True}}},
            },
        }
    ],
    "a preset's to say": [
        {
            **workload(kind="LLMInferenceService", version="serving.kserve.io/v1alpha1"),
            "spec": {"model": {"uri": "pvc://a/b"}, "template": {"containers": [bare("vllm/vllm-openai:v0.32.0")]}},
        }
    ],
}


@pytest.mark.parametrize("stack", UNMOUNTED.values(), ids=UNMOUNTED.keys())
def test_pod_without_a_token_passes_whoever_said_it(stack: list[Manifest]) -> None:
    assert violations(*stack) == []


@pytest.mark.parametrize(
    "manifest",
    [
        pod(**{LINKS: None}),
        pod(**{LINKS: True}),
        group(**{LINKS: None}),
        pod(kind="StatefulSet", **{LINKS: None}),
        inference_service({LINKS: None}, annotations=STANDARD),
        {**knative({}), "spec": {"template": template(container(), **{LINKS: True})}},
    ],
)
def test_links_to_services_are_refused(manifest: Manifest) -> None:
    assert "enableServiceLinks is " in only(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        {**knative({}), "spec": {"template": template(container(), **{LINKS: None})}},
        inference_service({LINKS: None}, annotations={"serving.kserve.io/deploymentMode": None}),
        inference_service({LINKS: None}, annotations={"serving.kserve.io/deploymentMode": "Knative"}),
        workload(pod={"spec": {"containers": [bare("ghcr.io/open-webui/open-webui:v0.6.36")]}}),
    ],
)
def test_links_that_knative_leaves_out_or_that_no_engine_reads_pass(manifest: Manifest) -> None:
    assert [text for text in violations(manifest) if LINKS in text] == []


def asking(requests: Manifest | None, limits: Manifest | None, name: str = "engine") -> Manifest:
    return container(name=name, resources={"requests": requests, "limits": limits})


FULL = {"cpu": "4", "memory": "32Gi", "ephemeral-storage": "4Gi", GPU: "1"}


def without(*names: str) -> Manifest:
    return {name: value for name, value in FULL.items() if name not in names}


ASKED: dict[str, tuple[Manifest, str]] = {
    "a GPU and nothing else": (
        pod(container(resources={"limits": {GPU: "1"}})),
        "no request for cpu; no limit for memory; no request for ephemeral-storage",
    ),
    "memory without a limit": (pod(asking(FULL, {GPU: "1"})), "no limit for memory"),
    "no disk": (
        pod(asking(without("ephemeral-storage"), without("cpu", "ephemeral-storage"))),
        "no request for ephemeral-storage",
    ),
    "GPUs only requested": (pod(asking(FULL, without(GPU))), f"requests and limits of {GPU} differ"),
    "more GPUs than requested": (pod(asking(FULL, {**FULL, GPU: "2"})), f"requests and limits of {GPU} differ"),
    "AMD": (pod(container(resources={"limits": {**without(GPU, "cpu"), "amd.com/gpu": 1}})), "no request for cpu"),
    "a slice of a GPU": (
        pod(container(resources={"limits": {**without(GPU, "cpu"), "nvidia.com/mig-1g.10gb": 1}})),
        "which asks for nvidia.com/mig-1g.10gb: no request for cpu",
    ),
    "a sidecar with a GPU": (pod(container(), asking(None, {GPU: 1}, "embedder")), "resources of container embedder"),
    "a Job": (pod(asking(FULL, {GPU: "1"}), kind="Job", version="batch/v1"), "no limit for memory"),
    "KServe's, as far as it says": (
        inference_service({"model": {"modelFormat": {"name": "vLLM"}, **asking({GPU: "1"}, {GPU: "2"})}}),
        f"requests and limits of {GPU} differ",
    ),
}


@pytest.mark.parametrize(("manifest", "found"), ASKED.values(), ids=ASKED.keys())
def test_gpu_without_what_it_runs_in_is_refused(manifest: Manifest, found: str) -> None:
    assert found in only(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        pod(asking(FULL, without("cpu"))),
        pod(asking(None, FULL)),
        pod(asking({"cpu": "4", "memory": "16Gi", GPU: 1}, without("cpu"))),
        pod(container(resources={"limits": {GPU: 1, "ephemeral-storage": "1Gi"}}), resources={"limits": FULL}),
        pod(container(resources=None)),
        inference_service({"model": {"modelFormat": {"name": "vLLM"}, "resources": {"requests": {GPU: "1"}}}}),
        inference_service({"model": {"modelFormat": {"name": "vLLM"}, "resources": {"limits": {GPU: "1"}}}}),
        workload(pod={"spec": {"containers": [bare("corp/render:1", resources={"limits": {GPU: "1"}})]}}),
    ],
)
def test_gpu_with_all_it_runs_in_passes(manifest: Manifest) -> None:
    assert violations(manifest) == []


def over(volume: Manifest | None, *args: str, env: tuple[tuple[str, str], ...] = (), **spec: Any) -> Manifest:
    mounts = [mount("/dev/shm/", "shared")] if volume else []
    variables = [{"name": name, "value": value} for name, value in env]
    engine = container(args=list(args), volumeMounts=mounts, env=variables)
    return pod(engine, volumes=[{"name": "shared", **volume}] if volume else [], **spec)


def memory(**fields: Any) -> Manifest:
    return {"emptyDir": {"medium": "Memory", **fields}}


SHORT: dict[str, tuple[Manifest, str]] = {
    "with =": (over(None, "--tensor-parallel-size=4"), "over 4 GPUs"),
    "in two words": (over(None, "--tensor-parallel-size", "2"), "over 2 GPUs"),
    "short": (over(None, "-tp", "2"), "over 2 GPUs"),
    "with underscores": (over(None, "--tensor_parallel_size=2"), "over 2 GPUs"),
    "SGLang's": (over(None, "--tp-size", "8"), "over 8 GPUs"),
    "TGI's": (over(None, "--num-shard=2"), "over 2 GPUs"),
    "TGI's variable": (over(None, env=(("NUM_SHARD", "2"),)), "over 2 GPUs"),
    "NIM's variable": (over(None, env=(("NIM_TENSOR_PARALLEL_SIZE", "2"),)), "over 2 GPUs"),
    "a variable of the pod": (over(None, "--tensor-parallel-size=$(GPUS)", env=(("GPUS", "2"),)), "over 2 GPUs"),
    "in a script": (
        pod(container(command=["sh", "-c", "exec vllm serve /m -tp 2 --port 80"])),
        "container engine splits layers over 2 GPUs",
    ),
    "on disk": (over({"emptyDir": {"sizeLimit": "2Gi"}}, "-tp=2"), "that is not in memory"),
    "without a size": (over(memory(), "-tp=2"), "without a sizeLimit"),
    "without a size on one GPU": (over(memory()), "without a sizeLimit"),
    "as large as the limit": (over(memory(sizeLimit="32Gi"), "-tp=2"), "not below the memory limit"),
    "workers of a group": (
        {
            **group(),
            "spec": {
                "leaderWorkerTemplate": {
                    "leaderTemplate": template(container()),
                    "workerTemplate": template(container(args=["-tp=2"])),
                }
            },
        },
        "over 2 GPUs",
    ),
}


@pytest.mark.parametrize(("manifest", "found"), SHORT.values(), ids=SHORT.keys())
def test_tensor_parallelism_without_shared_memory_is_refused(manifest: Manifest, found: str) -> None:
    assert found in only(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        over(memory(sizeLimit="2Gi"), "--tensor-parallel-size=2"),
        split(volume=SHARED),
        over(None, "--tensor-parallel-size=1"),
        over(None, "--tensor-parallel-size", "auto"),
        over(None, "--pipeline-parallel-size=2"),
        over(None, "-tp=2", hostIPC=True),
        inference_service({"model": {"modelFormat": {"name": "vLLM"}, "args": ["-tp=2"]}}),
        cluster(template(container(args=["-tp=2"]))),
        workload(pod={"spec": {"containers": [bare("corp/train:1", args=["--tensor-parallel-size=8"])]}}),
    ],
)
def test_shared_memory_that_is_there_or_not_needed_passes(manifest: Manifest) -> None:
    assert violations(manifest) == []


def test_writable_file_system_is_advice_for_whole_pods_only() -> None:
    loose = {**container()["securityContext"], "readOnlyRootFilesystem": None}
    (told,) = judge(pod(container(securityContext=loose), initContainers=[bare("busybox:1.37", "wait")]))

    assert not told.mandatory
    assert "container engine, init container wait of spec.template.spec can write" in told.message
    assert judge(inference_service()) == []
    assert judge(workload(pod={"spec": {"containers": [bare("nginx:1.29")]}})) == []


@pytest.mark.parametrize(
    "manifest",
    [
        pod(**{LINKS: UNKNOWN}),
        pod(container(args=["--tensor-parallel-size", UNKNOWN])),
        pod(container(resources=UNKNOWN)),
    ],
)
def test_value_that_only_the_update_knows_is_told(manifest: Manifest) -> None:
    (told,) = [one for one in judge(manifest) if one.policy == RESOURCE]

    assert "can't run policy" in told.message and not told.mandatory
