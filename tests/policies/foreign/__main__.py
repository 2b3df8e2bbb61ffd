"""Somebody else's serving stack, in plain pulumi_kubernetes. Imports nothing of Substrate.

MISTAKES (comma separated) puts the known mistakes in, one name each; without it every resource is as it should be.
The provider writes manifests to a folder instead of asking a cluster.
"""

from __future__ import annotations

import os
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

MISTAKES = frozenset(filter(None, os.environ.get("MISTAKES", "").split(",")))
OUTPUT = os.environ["RENDER_TO"]

provider = k8s.Provider("manifests", render_yaml_to_directory=OUTPUT)
here = pulumi.ResourceOptions(provider=provider)

GOOD_METRIC = {
    "type": "External",
    "external": {
        "metric": {"name": "vllm_requests_in_flight"},
        "target": {"type": "AverageValue", "averageValue": "16"},
    },
}
CPU_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
}


def wrong(name: str) -> bool:
    return name in MISTAKES


def metadata(name: str, hot: bool = False) -> dict[str, Any]:
    return {"name": name, "namespace": "ml", **({"labels": {"substrate.dev/tier": "hot"}} if hot else {})}


def engine(
    name: str, image: str = "vllm/vllm-openai:v0.11.0", hot: bool = False, **spec: Any
) -> k8s.apps.v1.Deployment:
    """A vLLM Deployment, as its own documentation writes it."""
    container = {
        "name": "engine",
        "image": image,
        "args": ["--model", "/models/llama", "--api-key", "sk-do-not-print"],
        "env": [{"name": "HF_TOKEN", "value": "hf-do-not-print"}],
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
        "volumeMounts": [{"name": "weights", "mountPath": "/models", "readOnly": not wrong(f"{name}-writable")}],
    }
    claim = {"name": "weights", "persistentVolumeClaim": {"claimName": "llama-70b"}}
    return k8s.apps.v1.Deployment(
        name,
        metadata=metadata(name, hot),
        spec={
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container], "volumes": [claim]},
            },
            **spec,
        },
        opts=here,
    )


def target(name: str) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


# An autoscaler on CPU, written in each of the three ways.
for name in ("hpa-v2", "hpa-v1", "hpa-empty"):
    engine(name)
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "hpa-v2",
    metadata=metadata("hpa-v2"),
    spec={
        "scaleTargetRef": target("hpa-v2"),
        "minReplicas": 1,
        "maxReplicas": 4,
        "metrics": [CPU_METRIC if wrong("hpa-v2") else GOOD_METRIC],
    },
    opts=here,
)
if wrong("hpa-v1"):
    k8s.autoscaling.v1.HorizontalPodAutoscaler(
        "hpa-v1",
        metadata=metadata("hpa-v1"),
        spec={"scaleTargetRef": target("hpa-v1"), "maxReplicas": 4, "targetCPUUtilizationPercentage": 60},
        opts=here,
    )
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "hpa-empty",
    metadata=metadata("hpa-empty"),
    spec={
        "scaleTargetRef": target("hpa-empty"),
        "maxReplicas": 4,
        **({} if wrong("hpa-empty") else {"metrics": [GOOD_METRIC]}),
    },
    opts=here,
)

# KEDA, and a hot model behind it.
engine("keda", hot=True)
k8s.apiextensions.CustomResource(
    "keda",
    api_version="keda.sh/v1alpha1",
    kind="ScaledObject",
    metadata=metadata("keda"),
    spec={
        "scaleTargetRef": {"name": "keda"},
        "minReplicaCount": 0 if wrong("keda-zero") else 2,
        "maxReplicaCount": 8,
        "triggers": [
            {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "75"}}
            if wrong("keda-cpu")
            else {
                "type": "prometheus",
                "metadata": {
                    "serverAddress": "http://prometheus:9090",
                    "query": "sum(vllm:num_requests_running) + sum(vllm:num_requests_waiting)",
                    "threshold": "16",
                },
            }
        ],
    },
    opts=here,
)

# A hot model that nothing scales.
engine("hot", hot=True, replicas=0 if wrong("hot-zero") else 2)

# KServe.
k8s.apiextensions.CustomResource(
    "isvc",
    api_version="serving.kserve.io/v1beta1",
    kind="InferenceService",
    metadata={
        **metadata("isvc", hot=True),
        "annotations": {
            "serving.kserve.io/deploymentMode": "Standard",
            "serving.kserve.io/autoscalerClass": "external",
        },
    },
    spec={
        "predictor": {
            "minReplicas": 0 if wrong("isvc-zero") else 1,
            **({"scaleMetric": "cpu", "scaleTarget": 80} if wrong("isvc-cpu") else {}),
            "model": {"modelFormat": {"name": "huggingface"}, "storageUri": "pvc://llama-70b/llama"},
        }
    },
    opts=here,
)

# Weights and images.
engine("mount")
engine("tag", image="vllm/vllm-openai:latest" if wrong("latest") else "vllm/vllm-openai:v0.11.0")
engine(
    "untagged",
    image="registry.corp:5000/ml/vllm-openai" if wrong("untagged") else "registry.corp:5000/ml/vllm-openai:1",
)

# What everybody has beside it, and may scale on CPU.
k8s.apps.v1.Deployment(
    "web",
    metadata=metadata("web"),
    spec={
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {"name": "web", "image": "nginx:1.29", "args": ["--upstream", "http://llama-server:8080"]}
                ]
            },
        },
    },
    opts=here,
)
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "web",
    metadata=metadata("web"),
    spec={"scaleTargetRef": target("web"), "maxReplicas": 9, "metrics": [CPU_METRIC]},
    opts=here,
)
