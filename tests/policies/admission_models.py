"""Model servers that fail one demand, or nearly: what the pack and the API server must judge alike of their pods."""

from __future__ import annotations

from typing import Any

from tests.policies.written import (
    LLM,
    VLLM,
    Manifest,
    bare,
    claim_volume,
    container,
    inference_service,
    mount,
    scaled_object,
    template,
    workload,
)

GPU = "nvidia.com/gpu"
STAGER = {"app.kubernetes.io/component": "stager"}
OTHER = {"substrate.dev/workload": "model"}
STRICT = container()["securityContext"]


def served(*containers: Manifest, **spec: Any) -> Manifest:
    return workload(pod=template(*(containers or (container(),)), **spec))


def pod(*containers: Manifest, **spec: Any) -> Manifest:
    """A Pod of its own."""
    made = template(*containers, **spec)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "labels": LLM}, "spec": made["spec"]}


def secured(**context: Any) -> Manifest:
    """A model server whose container says this in place of what it should."""
    return served(container(securityContext={**STRICT, **context}))


def asking(limits: dict[str, str], requests: dict[str, str] | None = None, **spec: Any) -> Manifest:
    return served(container(resources={"limits": limits, "requests": requests or {}}), **spec)


def ending(seconds: int, image: str = VLLM) -> Manifest:
    return container(image, lifecycle={"preStop": {"sleep": {"seconds": seconds}}})


def kserve(predictor: Manifest) -> Manifest:
    made = inference_service(predictor)
    made["spec"]["predictor"] = {key: value for key, value in made["spec"]["predictor"].items() if value is not None}
    return made


def mounting(volume: Manifest, where: Manifest) -> Manifest:
    return served(container(volumeMounts=[where]), volumes=[volume])


PERMISSION = "substrate.dev/allow-remote-code"
OFFLINE = container()["env"]
MODE = "serving.kserve.io/deploymentMode"
MODEL: Manifest = inference_service()["spec"]["predictor"]["model"]
CPU, DISK, MEMORY = {"cpu": "4"}, {"ephemeral-storage": "4Gi"}, {"memory": "32Gi"}
ONE = {GPU: "1"}
LINKED: dict[str, Any] = {"enableServiceLinks": True}

SERVED: dict[str, Manifest] = {
    # Which workloads serve a model: service links tell, which every pod has unless it says otherwise
    **{
        f"links of {image}": served(container(image), **LINKED)
        for image in (
            "nginx:1",
            "ghcr.io/ggml-org/llama.cpp:server-b9000",
            "mirror.corp:5000/vllm/vllm-openai:v1",
            "vllm/vllm-openai",
            "vllm/router:v1",
            "team/vllm-router:v1",
            "VLLM/Vllm-OpenAI:v1",
            "nvcr.io/nim/meta/llama:1",
            "docker.io/nim/meta/llama:1",
            "ollama/ollama:0.9",
            "team/my-ollama:0.9",
            f"sglang@sha256:{'a' * 64}",
            "team/vllm/a/b:1",
            "team/open-webui:ollama",
            "litellm/client:vllm",
            "vllm:5000/nginx:1",
            "team/lorax-ui:1",
            "team/lorax-ui-2:1",
            "ghcr.io/huggingface/text-generation-inference:3.3.7",
        )
    },
    "links by label": workload(labels=LLM, pod=template(container("a/b:1"), **LINKED)),
    "links of another model": workload(labels=OTHER, pod=template(container("a/b:1"), **LINKED)),
    "links by annotation": workload(annotations=LLM, pod=template(container("a/b:1"), **LINKED)),
    "links by the pods' label": workload(pod=template(container("a/b:1"), labels={"app": "a", **LLM}, **LINKED)),
    "links of something else": workload(labels={"substrate.dev/workload": "web"}, pod=template(container("a/b:1"))),
    "links of an init container's image": served(container("a/b:1"), initContainers=[bare(VLLM, "init")], **LINKED),
    "links of a StatefulSet": workload(kind="StatefulSet", pod=template(container(), **LINKED)),
    "links of a Pod": pod(container("a/b:1"), **LINKED),
    "links of a Job": workload(
        kind="Job", version="batch/v1", pod=template(container(), restartPolicy="Never", **LINKED)
    ),
    "links of a Job that stages": workload(
        kind="Job", version="batch/v1", labels=STAGER, pod=template(container(), restartPolicy="Never", **LINKED)
    ),
    "links of a Deployment that stages": workload(labels=STAGER, pod=template(container(), **LINKED)),
    "links of a CronJob by its pods' label": {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly"},
        "spec": {
            "schedule": "0 4 * * *",
            "jobTemplate": {
                "spec": {
                    "template": template(
                        container("a/b:1"), labels={"app": "a", **LLM}, restartPolicy="Never", enableServiceLinks=True
                    )
                }
            },
        },
    },
    # Tokens
    "token": served(automountServiceAccountToken=True),
    "token of no model": served(container("nginx:1"), automountServiceAccountToken=True),
    # Pod Security
    "root": served(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
    "root by user": secured(runAsUser=0),
    "root by the container": secured(runAsNonRoot=False),
    "not root by the containers": served(
        container(securityContext={**STRICT, "runAsNonRoot": True}),
        securityContext={"seccompProfile": {"type": "RuntimeDefault"}},
    ),
    "escalation": secured(allowPrivilegeEscalation=True),
    "escalation of an init container": served(initContainers=[bare("busybox:1", "init")]),
    "privileged": secured(privileged=True, allowPrivilegeEscalation=True),
    "privileged, of no model": served(container("nginx:1", securityContext={"privileged": True})),
    "capabilities kept": secured(capabilities={"drop": ["NET_RAW"]}),
    "capability added": secured(capabilities={"drop": ["ALL"], "add": ["IPC_LOCK"]}),
    "capability allowed": secured(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    "seccomp left out": served(securityContext={"runAsNonRoot": True}),
    "seccomp unconfined": secured(seccompProfile={"type": "Unconfined"}),
    "seccomp of the containers": served(
        container(securityContext={**STRICT, "seccompProfile": {"type": "RuntimeDefault"}}),
        securityContext={"runAsNonRoot": True},
    ),
    "host network": served(hostNetwork=True),
    "host pids": served(hostPID=True),
    "host ipc said false": served(hostIPC=False),
    "host port": served(container(ports=[{"containerPort": 8000, "hostPort": 8000}])),
    "host path": served(volumes=[{"name": "devices", "hostPath": {"path": "/dev"}}]),
    "nfs": served(volumes=[{"name": "share", "nfs": {"server": "a", "path": "/b", "readOnly": True}}]),
    "volumes that are allowed": served(
        volumes=[
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "config", "configMap": {"name": "a"}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "a"}},
            {"name": "nothing"},
        ]
    ),
    "probe of another host": served(
        container(readinessProbe={"httpGet": {"path": "/health", "port": 8000, "host": "10.0.0.1"}})
    ),
    "hook of another host": served(
        container(lifecycle={"preStop": {"httpGet": {"path": "/", "port": 80, "host": "10.0.0.1"}}})
    ),
    "sysctl": served(
        securityContext={**template()["spec"]["securityContext"], "sysctls": [{"name": "kernel.msgmax", "value": "1"}]}
    ),
    "safe sysctl": served(
        securityContext={
            **template()["spec"]["securityContext"], "sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}],
        }
    ),
    "apparmor unconfined": secured(appArmorProfile={"type": "Unconfined"}),
    "apparmor": secured(appArmorProfile={"type": "RuntimeDefault"}),
    "restricted StatefulSet": workload(kind="StatefulSet", pod=template(container(securityContext=None))),
    # Resources
    "gpu with all": asking(ONE | CPU | DISK | MEMORY),
    "gpu without cpu": asking(ONE | DISK | MEMORY),
    "gpu with a request for cpu": asking(ONE | DISK | MEMORY, CPU),
    "gpu without memory's limit": asking(ONE | CPU | DISK, MEMORY),
    "gpu without disk": asking(ONE | CPU | MEMORY),
    "gpu slice without disk": asking({"nvidia.com/mig-1g.10gb": "1"} | CPU | MEMORY),
    "amd gpu without disk": asking({"amd.com/gpu": "1"} | CPU | MEMORY),
    "no gpu, no disk": asking(CPU | MEMORY),
    "gpu of an init container": served(initContainers=[bare("a/b:1", "init", resources={"limits": ONE})]),
    "gpu of no model": served(container("nginx:1", resources={"limits": ONE})),
    "gpu with the pod's memory and cpu": asking(
        ONE | DISK, resources={"limits": MEMORY, "requests": CPU}
    ),
    # Probes and the end
    "readiness of a second container": served(container(readinessProbe=None), container("a/b:1", "proxy")),
    "no readiness of two containers": served(
        container(readinessProbe=None), container("a/b:1", "proxy", readinessProbe=None)
    ),
    "no readiness of no model": served(container("nginx:1", readinessProbe=None)),
    "no readiness of a StatefulSet": workload(
        kind="StatefulSet", pod=template(container(readinessProbe=None))
    ),
    "no readiness of a Job": workload(
        kind="Job", version="batch/v1", pod=template(container(readinessProbe=None), restartPolicy="Never")
    ),
    "no readiness of a Pod": pod(container("a/b:1", readinessProbe=None)),
    "grace of 4": served(terminationGracePeriodSeconds=4),
    "grace of 5": served(terminationGracePeriodSeconds=5),
    "grace below a sleep and its exit": served(ending(26), terminationGracePeriodSeconds=30),
    "grace above a sleep and its exit": served(ending(25), terminationGracePeriodSeconds=30),
    "grace below the sleep of no model": served(ending(30, "nginx:1"), terminationGracePeriodSeconds=30),
    # What has ended
    **{
        f"ended {image}": served(container(image))
        for image in (
            "ghcr.io/huggingface/text-generation-inference@sha256:" + "a" * 64,
            "team/text-generation-inference-fork/server:1",
            "team/text-generation-inference-router:1",
            "vllm/text-generation-inference:1",
            "nvcr.io/nim/text-generation-inference:1",
            "pytorch/TorchServe-kfs:0.12",
            "team/torchserve/bert:1",
            "torchserve/team/bert:1",
            "team/my-torchserve:1",
            "team/bert:torchserve",
        )
    },
    "ended in a Pod": pod(container("pytorch/torchserve:0.12.0")),
    "pytorch by KServe": kserve({"model": MODEL | {"modelFormat": {"name": "pytorch"}}}),
    "pytorch on Triton": kserve(
        {"model": MODEL | {"modelFormat": {"name": "pytorch"}, "runtime": "kserve-tritonserver"}}
    ),
    "TorchServe's runtime": kserve({"model": MODEL | {"runtime": "kserve-torchserve"}}),
    "pytorch the old way": kserve({"pytorch": {"storageUri": "pvc://a/b"}, "model": None}),
    # KServe's canary
    "canary of the transformer": inference_service(
        transformer={"canaryTrafficPercent": 0, "containers": [container("a/b:1", "kserve-container")]}
    ),
    "canary without a mode": inference_service({"canaryTrafficPercent": 10}, annotations={MODE: None}),
    "canary in RawDeployment": inference_service({"canaryTrafficPercent": 10}, annotations={MODE: "RawDeployment"}),
    # Both ends
    "keda above its most": scaled_object(minReplicaCount=5, maxReplicaCount=4),
    "keda above the default": scaled_object(minReplicaCount=101),
    "keda at its most": scaled_object(minReplicaCount=4, maxReplicaCount=4),
    # Code of the model's repository
    **{
        f"arguments {' '.join(arguments)}": served(container(args=["--model=/models/a", *arguments]))
        for arguments in (
            ["--trust-remote-code"],
            ["--trust_remote_code", "--port=80"],
            ["--trust-remote-code=true"],
            ["--trust-remote-code=False"],
            ["--trust-remote-code", "false"],
            ["--trust-remote-code", "yes"],
            ["--no-trust-remote-code"],
            ["--trust-remote-code-revision=1"],
            ["--chat-template=--trust-remote-code"],
        )
    },
    "code of an init container": served(initContainers=[bare("a/b:1", "init", command=["a", "--trust-remote-code"])]),
    "code of no model": served(container("nginx:1", args=["--trust-remote-code"])),
    "code without a reason": workload(
        annotations={PERMISSION: " "}, pod=template(container(args=["--trust-remote-code"]))
    ),
    "code by a variable": served(container(env=[*OFFLINE, {"name": "VLLM_TRUST_REMOTE_CODE", "value": "True"}])),
    "code by a variable that is off": served(container(env=[*OFFLINE, {"name": "TRUST_REMOTE_CODE", "value": "0"}])),
    "code by a variable's last value": served(
        container(
            env=[*OFFLINE, *({"name": "TRUST_REMOTE_CODE", "value": value} for value in ("1", "0"))]
        )
    ),
    "no code by a near name": served(container(env=[*OFFLINE, {"name": "TRUST_REMOTE_CODE_OF", "value": "1"}])),
    # Weights
    "weights by claim": mounting(claim_volume("weights-llama"), mount("/data")),
    "weights by path": mounting(claim_volume(), mount("/models/llama")),
    "weights by nearly a path": mounting(claim_volume(), mount("/modelscope")),
    "weights by digest": mounting(claim_volume(), mount("/data", subPath="a/" + "ab" * 32)),
    "weights by another digest": mounting(claim_volume(), mount("/data", subPath="cd" * 32)),
    "weights of an empty folder": mounting({"name": "weights", "emptyDir": {"sizeLimit": "1Gi"}}, mount()),
    "weights read-only": mounting(claim_volume(), mount(readOnly=True)),
    "weights of a read-only claim": mounting(claim_volume(readOnly=True), mount()),
    "weights of a host path": mounting({"name": "weights", "hostPath": {"path": "/models"}}, mount()),
    "weights of read-only NFS": mounting(
        {"name": "weights", "nfs": {"server": "a", "path": "/b", "readOnly": True}}, mount()
    ),
    "weights of a Job that stages": workload(
        kind="Job", version="batch/v1", labels={**STAGER, **LLM},
        pod=template(container(volumeMounts=[mount()]), volumes=[claim_volume()], restartPolicy="Never"),
    ),
    "weights of a StatefulSet's claims": workload(
        kind="StatefulSet",
        pod=template(container(volumeMounts=[mount()])),
        volumeClaimTemplates=[
            {
                "metadata": {"name": "weights"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
        ],
    ),
    "weights of no model": workload(
        pod=template(container("nginx:1", volumeMounts=[mount()]), volumes=[claim_volume()])
    ),
}  # fmt: skip
