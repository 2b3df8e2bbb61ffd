"""KServe's objects as a person writes them by hand, and the weights on a claim. Imports the cluster's fixtures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster import images, tools
from cluster.embedded import seed
from tests.cluster.conftest import PATIENCE, Embedded, claim, eventually, python_pod
from tests.cluster.forwarding import forwarded

GROUP = "serving.kserve.io"
AUTOSCALER = f"{GROUP}/autoscalerClass"
CLAIM, FOLDER, RUNTIME = "weights", "smollm2", "llama"
PORT = 8080
RUNTIME_ARGUMENTS = ["--model", "/mnt/models/model.gguf", "--port", str(PORT), "--ctx-size", "512"]
RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}
POD_SECURITY = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
# KServe adds it by itself in Standard mode; in Knative mode its own webhook refuses that, and nothing is made.
FINALIZER = "inferenceservice.finalizers"
_KEY = "smollm2-135m-instruct/model.gguf"
_STAGE = f"""import os, urllib.request
os.makedirs("/data/{FOLDER}", exist_ok=True)
urllib.request.urlretrieve("http://s3.substrate-system:8333/models/{_KEY}", "/data/{FOLDER}/model.gguf")
"""


def stage(cluster: Embedded, where: str) -> None:
    """The local stack's weights on the claim, fetched from S3 by a pod."""
    seed.upload(cluster.root, tools.path("smollm2-135m.gguf"), _KEY)
    pod = python_pod("stage", where, "-c", _STAGE, volume=CLAIM)
    pod["spec"]["restartPolicy"] = "Never"
    cluster.apply(claim(CLAIM, where), pod)
    done = "--for=jsonpath={.status.phase}=Succeeded"
    cluster.kubectl("wait", "-n", where, "pod/stage", done, f"--timeout={PATIENCE:.0f}s")


def runtime(where: str) -> dict[str, Any]:
    """llama.cpp as a runtime of the namespace, with a word of its own wherever a service may have another."""
    container = {
        "name": "kserve-container",
        "image": images.reference("llama.cpp"),
        "imagePullPolicy": "Never",
        "args": RUNTIME_ARGUMENTS,
        "env": [{"name": "OF_RUNTIME", "value": "yes"}, {"name": "OF_BOTH", "value": "runtime"}],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    spec = {
        "supportedModelFormats": [{"name": "gguf", "version": "1"}],
        "multiModel": False,
        "labels": {"of-runtime": "yes", "of-all": "runtime"},
        "annotations": {"of-runtime": "yes", "of-all": "runtime"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "of-runtime", "operator": "Exists"}],
        "volumes": [{"name": "of-runtime", "emptyDir": {}}],
        "containers": [container],
    }
    return _object("v1alpha1", "ServingRuntime", _named(RUNTIME, where), spec)


def inference_service(name: str, where: str, mode: str = "Standard", **predictor: Any) -> dict[str, Any]:
    """One model on that runtime; `predictor` adds to the predictor's fields, or replaces them."""
    metadata = _named(name, where) | {
        "labels": {"of-service": "yes", "of-all": "service"},
        "annotations": {f"{GROUP}/deploymentMode": mode, "of-service": "yes", "of-all": "service"},
    }
    spec = {"minReplicas": 1, "maxReplicas": 1, "securityContext": POD_SECURITY, "model": model(name), **predictor}
    return _object("v1beta1", "InferenceService", metadata, {"predictor": spec})


def model(name: str, **fields: Any) -> dict[str, Any]:
    """What a predictor serves: the claim's weights by that runtime; `fields` are those of a container."""
    return {
        "modelFormat": {"name": "gguf", "version": "1"},
        "runtime": RUNTIME,
        "storageUri": f"pvc://{CLAIM}/{FOLDER}",
        "args": ["--alias", name],
        "env": [{"name": "OF_BOTH", "value": "service"}],
        "resources": RESOURCES,
        **fields,
    }


def unscheduled(name: str, where: str, least: int, autoscaler: str = "") -> dict[str, Any]:
    """A service of at least so many replicas whose pods no node takes: for what the controller makes, not the kubelet.

    `autoscaler` is the class that its annotation names; "" for no annotation.
    """
    service = inference_service(name, where, minReplicas=least, maxReplicas=3, nodeSelector={"nowhere": "here"})
    service["metadata"]["annotations"] |= {AUTOSCALER: autoscaler} if autoscaler else {}
    return service


def llm_inference_service(name: str, where: str, model: Mapping[str, Any]) -> dict[str, Any]:
    """Of the newer kind; `model` is its `spec.model`."""
    template = {"containers": [{"name": "main", "image": images.reference("llama.cpp")}]}
    router: dict[str, Any] = {"route": {}, "gateway": {}, "scheduler": {}}
    spec = {"model": model, "replicas": 1, "router": router, "template": template}
    return _object("v1alpha2", "LLMInferenceService", _named(name, where), spec)


def _object(version: str, kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": metadata, "spec": spec}


def _named(name: str, where: str) -> dict[str, Any]:
    return {"name": name, "namespace": where}


# --- what became of them ------------------------------------------------------------------------------------------


def made(cluster: Embedded, kind: str, name: str, where: str) -> dict[str, Any]:
    """An object that the controller makes, once it is there."""
    question = ("get", kind, name, "-n", where, "--ignore-not-found", "--output=name")
    eventually(f"there is {kind} {name}", lambda: cluster.kubectl(*question))
    return cluster.get(kind, name, "-n", where)


def wait_until_ready(cluster: Embedded, name: str, where: str) -> None:
    ready = ("--for=condition=Ready", f"--timeout={PATIENCE:.0f}s")
    cluster.kubectl("wait", "-n", where, f"inferenceservice/{name}", *ready)


def why_not_ready(cluster: Embedded, name: str, where: str) -> str:
    """What a service says of itself; "" before it says anything."""
    conditions = cluster.get("inferenceservice", name, "-n", where).get("status", {}).get("conditions", [])
    return next((str(one.get("message", "")) for one in conditions if one["type"] == "Ready"), "")


def pod_of(cluster: Embedded, name: str, where: str) -> dict[str, Any]:
    """The one pod of a service."""
    (pod,) = cluster.get("pods", "-n", where, f"--selector={GROUP}/inferenceservice={name}")["items"]
    assert isinstance(pod, dict)
    return pod


def answered(cluster: Embedded, where: str, name: str) -> dict[str, Any]:
    """What the service says to one chat request, by the Service that KServe makes."""
    messages = [{"role": "user", "content": "Say hello."}]
    with forwarded(cluster, where, f"service/{name}-predictor", 80) as client:
        answer = client.post("/v1/chat/completions", json={"model": name, "max_tokens": 8, "messages": messages})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found
