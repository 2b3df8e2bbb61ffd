"""Manifests as strangers write them, short to vary in a test. Imports the standard library only."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

VLLM = "vllm/vllm-openai:v0.11.0"
HOT = {"substrate.dev/tier": "hot"}
LLM = {"substrate.dev/workload": "llm"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
IN_FLIGHT = {
    "type": "External",
    "external": {
        "metric": {"name": "vllm_requests_in_flight"},
        "target": {"type": "AverageValue", "averageValue": "16"},
    },
}


def metadata(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Manifest:
    return {
        "name": name,
        "namespace": "ml",
        **({"labels": labels} if labels else {}),
        **({"annotations": annotations} if annotations else {}),
    }


def container(image: str = VLLM, name: str = "engine", **fields: Any) -> Manifest:
    return {"name": name, "image": image, **fields}


def template(*containers: Manifest, labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
    return {"metadata": {"labels": labels or {"app": "a"}}, "spec": {"containers": list(containers), **spec}}


def workload(
    name: str = "llama",
    pod: Manifest | None = None,
    kind: str = "Deployment",
    version: str = "apps/v1",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Manifest:
    """A Deployment that runs vLLM, unless the arguments say otherwise."""
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata(name, labels, annotations),
        "spec": {"template": pod or template(container()), **spec},
    }


def hpa(target: str = "llama", version: str = "autoscaling/v2", kind: str = "Deployment", **spec: Any) -> Manifest:
    return {
        "apiVersion": version,
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(f"{target}-hpa", spec.pop("labels", None), spec.pop("annotations", None)),
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": target}, "maxReplicas": 4, **spec},
    }


def scaled_object(target: str = "llama", *triggers: Manifest, **spec: Any) -> Manifest:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(f"{target}-keda", spec.pop("labels", None), spec.pop("annotations", None)),
        "spec": {"scaleTargetRef": {"name": target}, "triggers": list(triggers or [prometheus()]), **spec},
    }


def prometheus(query: str = "sum(vllm:num_requests_running) + sum(vllm:num_requests_waiting)") -> Manifest:
    return {
        "type": "prometheus",
        "metadata": {"serverAddress": "http://prometheus:9090", "query": query, "threshold": "16"},
    }


def inference_service(
    predictor: Manifest | None = None,
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    **spec: Any,
) -> Manifest:
    served = {"model": {"modelFormat": {"name": "huggingface"}, "storageUri": "pvc://llama/7b"}, **(predictor or {})}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata("llama", labels, annotations),
        "spec": {"predictor": served, **spec},
    }


def knative(annotations: dict[str, str], image: str = VLLM, labels: dict[str, str] | None = None) -> Manifest:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": metadata("llama", labels),
        "spec": {"template": {"metadata": {"annotations": annotations}, "spec": {"containers": [container(image)]}}},
    }


def claim_volume(claim: str = "llama-70b", name: str = "weights", **source: Any) -> Manifest:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, **source}}


def mount(path: str = "/models", name: str = "weights", **fields: Any) -> Manifest:
    return {"name": name, "mountPath": path, **fields}
