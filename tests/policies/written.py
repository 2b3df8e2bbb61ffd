"""Manifests as strangers write them, short to vary in a test. Imports the standard library only.

A model server is written as it should be, so that a test's own mistake is the only one: `container` and `template` say
all that any rule asks of one. What is no model server is written `bare`.
"""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

VLLM = "vllm/vllm-openai:v0.32.0"
# What a program tells of a model: how long a load may take, and what its weights are.
TOLD = {"substrate.dev/cold-start-budget": "600s", "substrate.dev/weights-digest": "ab" * 32}
HOT = {"substrate.dev/tier": "hot"}
LLM = {"substrate.dev/workload": "llm"}
POOL = {"substrate.dev/pool-gpus": "8"}
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


def bare(image: str, name: str = "main", **fields: Any) -> Manifest:
    return {"name": name, "image": image, **fields}


def probe(path: str = "/health", **fields: Any) -> Manifest:
    return {"httpGet": {"path": path, "port": "http"}, **fields}


def container(image: str = VLLM, name: str = "engine", **fields: Any) -> Manifest:
    """A model server as it should be; `fields` replace what it has."""
    held = {"memory": "32Gi", "nvidia.com/gpu": "1", "ephemeral-storage": "4Gi"}
    return bare(
        image,
        name,
        **{
            "ports": [{"name": "http", "containerPort": 8000}],
            "env": [{"name": "HF_HUB_OFFLINE", "value": "1"}],
            "resources": {"requests": {"cpu": "4", **held}, "limits": held},
            "startupProbe": probe(periodSeconds=10, failureThreshold=60),
            "readinessProbe": probe(),
            "livenessProbe": probe(periodSeconds=30),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            **fields,
        },
    )


def template(*containers: Manifest, labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """A pod as it should be; `spec` replaces what it has."""
    hardened = {
        "nodeSelector": {"substrate.dev/pool": "a100"},
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 120,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "metadata": {"labels": labels or {"app": "a"}, "annotations": {**TOLD, **POOL}},
        "spec": {"containers": list(containers), **hardened, **spec},
    }


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
    annotations: dict[str, str | None] | None = None,
    labels: dict[str, str] | None = None,
    **spec: Any,
) -> Manifest:
    """As it should be: its mode and its model's size are said. An annotation that is None is left out."""
    own = {"automountServiceAccountToken": False, "enableServiceLinks": False, "annotations": TOLD}
    held = {"memory": "32Gi"}
    model = {
        "modelFormat": {"name": "huggingface"},
        "storageUri": "pvc://llama/7b",
        "resources": {"requests": {"cpu": "4", **held}, "limits": held},
    }
    served = {**own, "model": model, **(predictor or {})}
    told = {"serving.kserve.io/deploymentMode": "Standard", **(annotations or {})}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata("llama", labels, {key: value for key, value in told.items() if value is not None}),
        "spec": {"predictor": served, **spec},
    }


def service(name: str = "llama", selector: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """A ClusterIP before the pods of `workload`."""
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, spec.pop("labels", None), spec.pop("annotations", None)),
        "spec": {"selector": selector or {"app": "a"}, "ports": ports, **spec},
    }


def route(to: str = "llama", annotations: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """An HTTPRoute to a Service, with a Gateway of another stack before it that asks for a key."""
    asked = {"substrate.dev/authenticated-by": "Envoy Gateway, by JWTs of login.example"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(to, annotations=asked if annotations is None else annotations),
        "spec": {
            "parentRefs": [{"name": "public", "namespace": "gateways"}],
            "rules": [{"backendRefs": [{"name": to, "port": 80}]}],
            **spec,
        },
    }


def namespace(name: str = "ml", team: str | None = "ml", annotations: dict[str, str] | None = None) -> Manifest:
    told = {"labels": {"substrate.dev/team": team}} if team else {}
    noted = {"annotations": annotations} if annotations else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **told, **noted}}


def network_policy(name: str = "default-deny", selector: Manifest | None = None, **spec: Any) -> Manifest:
    """By default nothing in and nothing out for all pods."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(name),
        "spec": {"podSelector": selector or {}, "policyTypes": ["Ingress", "Egress"], **spec},
    }


def knative(annotations: dict[str, str], image: str = VLLM, labels: dict[str, str] | None = None) -> Manifest:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": metadata("llama", labels),
        "spec": {
            "template": {
                **template(container(image)),
                "metadata": {"annotations": {**TOLD, **POOL, **annotations}},
            }
        },
    }


def budget(labels: dict[str, str] | None = None, version: str = "policy/v1", **spec: Any) -> Manifest:
    """A disruption budget as it should be, over the pods of `template`."""
    return {
        "apiVersion": version,
        "kind": "PodDisruptionBudget",
        "metadata": metadata("budget"),
        "spec": {
            "selector": {"matchLabels": labels or {"app": "a"}},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            **(spec if {"maxUnavailable", "minAvailable"} & spec.keys() else {"maxUnavailable": 1, **spec}),
        },
    }


def claim_volume(claim: str = "llama-70b", name: str = "weights", **source: Any) -> Manifest:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, **source}}


def mount(path: str = "/models", name: str = "weights", **fields: Any) -> Manifest:
    return {"name": name, "mountPath": path, **fields}
