"""Pod Security `restricted` holds for every container of a model's pods, of whatever kind; GPUs need no exception."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import RESOURCE, UNKNOWN, topic
from tests.policies.written import LLM, bare, container, inference_service, knative, probe, template, workload

judge, violations, only = topic("restricted")

Manifest = dict[str, Any]
STRICT = container()["securityContext"]
POD = template()["spec"]["securityContext"]


def pod(*containers: Manifest, **spec: Any) -> Manifest:
    return workload(pod=template(*(containers or (container(),)), **spec))


def secured(**context: Any) -> Manifest:
    """An engine whose own context differs from a strict one."""
    return container(securityContext={**STRICT, **context})


def of_pod(**context: Any) -> Manifest:
    return pod(securityContext={**POD, **context})


def beside(extra: Manifest, kind: str = "initContainers") -> Manifest:
    return pod(container(), **{kind: [extra]})


def serving(**predictor: Any) -> Manifest:
    return inference_service(predictor, annotations={"serving.kserve.io/deploymentMode": "Standard"})


MODEL = {"modelFormat": {"name": "vLLM"}, "storageUri": "pvc://a/b"}
CUSTOM = {"model": None, "containers": [container("corp/x:1", "kserve-container")]}
BROKEN: dict[str, tuple[Manifest, str]] = {
    "root by the pod": (of_pod(runAsNonRoot=None), "container engine has no runAsNonRoot: true"),
    "root by the container": (pod(secured(runAsNonRoot=False)), "container engine has no runAsNonRoot: true"),
    "user 0 of the pod": (of_pod(runAsUser=0), "container engine runs as user 0"),
    "user 0 of the container": (pod(secured(runAsUser=0)), "container engine runs as user 0"),
    "no context at all": (pod(container(securityContext=None)), "container engine has no allowPrivilegeEscalation"),
    "escalation": (pod(secured(allowPrivilegeEscalation=True)), "container engine has no allowPrivilegeEscalation"),
    "privileged": (pod(secured(privileged=True)), "container engine is privileged"),
    "capabilities kept": (pod(secured(capabilities={})), "container engine does not drop ALL"),
    "some capabilities dropped": (pod(secured(capabilities={"drop": ["NET_RAW"]})), "does not drop ALL"),
    "memory lock for RDMA": (
        pod(secured(capabilities={"drop": ["ALL"], "add": ["IPC_LOCK"]})),
        "container engine adds IPC_LOCK",
    ),
    "no seccomp": (of_pod(seccompProfile=None), "container engine has no seccompProfile"),
    "seccomp off": (pod(secured(seccompProfile={"type": "Unconfined"})), "container engine has no seccompProfile"),
    "the node's memory between processes": (pod(hostIPC=True), "hostIPC is true"),
    "the node's network": (pod(hostNetwork=True), "hostNetwork is true"),
    "the node's processes": (pod(hostPID=True), "hostPID is true"),
    "a port of the node": (
        pod(container(ports=[{"containerPort": 8000, "hostPort": 8000}])),
        "container engine has hostPort 8000",
    ),
    "a folder of the node": (pod(volumes=[{"name": "dev", "hostPath": {"path": "/dev"}}]), "volume dev is a hostPath"),
    "NFS without a claim": (
        pod(volumes=[{"name": "w", "nfs": {"server": "a", "path": "/b"}}]),
        "volume w is a nfs",
    ),
    "a probe of another host": (
        pod(container(livenessProbe={"httpGet": {"path": "/", "port": 80, "host": "169.254.169.254"}})),
        "livenessProbe of container engine names a host",
    ),
    "a hook to another host": (
        pod(container(lifecycle={"preStop": {"httpGet": {"path": "/", "port": 80, "host": "10.0.0.1"}}})),
        "preStop of container engine names a host",
    ),
    "a tcp probe of another host": (
        pod(container(startupProbe={"tcpSocket": {"port": 1, "host": "10.0.0.1"}})),
        "startupProbe of container engine names a host",
    ),
    "an unsafe sysctl": (of_pod(sysctls=[{"name": "kernel.msgmax", "value": "1"}]), "sysctl kernel.msgmax"),
    "apparmor off": (pod(secured(appArmorProfile={"type": "Unconfined"})), "appArmorProfile Unconfined"),
    "procMount": (pod(secured(procMount="Unmasked")), "procMount that is not Default"),
    "an init container": (
        beside(bare("busybox:1.37", "wait")),
        "init container wait has no allowPrivilegeEscalation: false",
    ),
    "an ephemeral container": (
        beside(secured(privileged=True) | {"name": "debug"}, "ephemeralContainers"),
        "ephemeral container debug is privileged",
    ),
    "a sidecar": (pod(container(), bare("envoyproxy/envoy:v1.36.2", "proxy")), "container proxy has no allow"),
    "a StatefulSet": (workload(pod=template(container(), hostIPC=True), kind="StatefulSet"), "hostIPC is true"),
    "a batch Job of vLLM": (
        workload(pod=template(container(), hostIPC=True), kind="Job", version="batch/v1"),
        "hostIPC is true",
    ),
    "a LeaderWorkerSet's workers": (
        {
            **workload(kind="LeaderWorkerSet", version="leaderworkerset.x-k8s.io/v1"),
            "spec": {
                "leaderWorkerTemplate": {
                    "leaderTemplate": template(container()),
                    "workerTemplate": template(container(), hostNetwork=True),
                }
            },
        },
        "spec.leaderWorkerTemplate.workerTemplate.spec: hostNetwork is true",
    ),
    "Knative": (
        {**knative({}), "spec": {"template": template(secured(privileged=True))}},
        "spec.template.spec: container engine is privileged",
    ),
    "KServe's predictor, as far as it says": (
        serving(model={**MODEL, "securityContext": {"privileged": True}}),
        "spec.predictor: container model is privileged",
    ),
    "KServe's predictor of its own containers": (serving(**CUSTOM), "container kserve-container has no runAsNonRoot"),
    "a runtime that lends the node": (
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "ServingRuntime",
            "metadata": {"name": "llama", "namespace": "ml"},
            "spec": {"containers": [container(name="kserve-container")], "hostIPC": True},
        },
        "spec: hostIPC is true",
    ),
}


@pytest.mark.parametrize(("manifest", "found"), BROKEN.values(), ids=BROKEN.keys())
def test_pod_beyond_restricted_is_refused(manifest: Manifest, found: str) -> None:
    assert [message for message in violations(manifest) if found in message]


KEPT: dict[str, Manifest] = {
    "everything on the pod": pod(),
    "everything on the container": workload(
        pod=template(
            container(
                securityContext={**STRICT, "runAsNonRoot": True, "seccompProfile": {"type": "Localhost"}},
            ),
            securityContext=None,
        )
    ),
    "a low port": pod(secured(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})),
    "every volume that is allowed": pod(
        volumes=[
            {"name": kind, kind: {}}
            for kind in (
                *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
                *("persistentVolumeClaim", "projected", "secret"),
            )
        ]
    ),
    "a safe sysctl": of_pod(sysctls=[{"name": "net.ipv4.tcp_fin_timeout", "value": "30"}]),
    "KServe's predictor, whose runtime may say the rest": serving(model=MODEL),
    "a runtime, which a model completes": {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": {"name": "llama", "namespace": "ml"},
        "spec": {"containers": [bare("vllm/vllm-openai:v0.32.0", "kserve-container")]},
    },
    "another's web server": workload(pod={"spec": {"containers": [bare("nginx:1.29")], "hostNetwork": True}}),
    "another's GPU Job": workload(
        pod={"spec": {"containers": [bare("corp/render:1")], "hostIPC": True}}, kind="Job", version="batch/v1"
    ),
    "the stager": workload(
        pod={"spec": {"containers": [bare("corp/stager:1")]}},
        kind="Job",
        version="batch/v1",
        labels={"app.kubernetes.io/component": "stager", **LLM},
    ),
}


@pytest.mark.parametrize("manifest", KEPT.values(), ids=KEPT.keys())
def test_restricted_pod_passes_whoever_wrote_it(manifest: Manifest) -> None:
    assert judge(manifest) == []


def test_one_demand_is_told_once_for_all_containers() -> None:
    loose = [secured(allowPrivilegeEscalation=True) | {"name": name} for name in ("a", "b")]

    assert "container a has no allowPrivilegeEscalation: false; container b has no" in only(pod(*loose))


def test_fix_for_guides_of_gpus_names_the_right_way() -> None:
    assert "medium: Memory and a sizeLimit at /dev/shm" in only(pod(hostIPC=True))
    assert "device plugin by resources.limits" in only(pod(secured(privileged=True)))


@pytest.mark.parametrize(
    "manifest", [pod(secured(privileged=UNKNOWN)), pod(hostIPC=UNKNOWN), of_pod(runAsNonRoot=UNKNOWN)]
)
def test_value_that_only_the_update_knows_is_told(manifest: Manifest) -> None:
    (told,) = [one for one in judge(manifest) if one.policy == RESOURCE]

    assert "can't run policy" in told.message and not told.mandatory


def test_probe_that_names_no_host_passes() -> None:
    assert judge(pod(container(livenessProbe=probe(initialDelaySeconds=1)))) == []
