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
# What the rules cannot know by themselves.
TOLD = {"substrate.dev/cold-start-budget": "600s", "substrate.dev/weights-digest": "0123456789abcdef" * 4}
CPU_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
}


def wrong(name: str) -> bool:
    return name in MISTAKES


def metadata(name: str, hot: bool = False) -> dict[str, Any]:
    return {"name": name, "namespace": "ml", **({"labels": {"substrate.dev/tier": "hot"}} if hot else {})}


def budget(name: str) -> None:
    k8s.policy.v1.PodDisruptionBudget(
        name,
        metadata=metadata(name),
        spec={
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": {"app": name}},
        },
        opts=here,
    )


def probe(**fields: int) -> dict[str, Any]:
    return {"httpGet": {"path": "/health", "port": 8000}, **fields}


def hardened(**spec: Any) -> dict[str, Any]:
    """What Pod Security asks of a pod, and what a model's pod tells."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 120,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **spec,
    }


def engine(
    name: str,
    image: str = "vllm/vllm-openai:v0.32.0",
    hot: bool = False,
    pool: str = "a100",
    pool_gpus: int = 32,
    **spec: Any,
) -> k8s.apps.v1.Deployment:
    """A vLLM Deployment, as its own documentation writes it and Pod Security asks."""
    held = {"memory": "32Gi", "ephemeral-storage": "4Gi", "nvidia.com/gpu": "1"}
    model = "meta-llama/Llama-3.1-8B" if wrong(f"{name}-fetched") else "/models/llama"
    trusting = ["--trust-remote-code"] if wrong(f"{name}-trusted") else []
    container = {
        "name": "engine",
        "image": image,
        "args": ["--model", model, *trusting, *(["--api-key", "sk-do-not-print"] if wrong(f"{name}-key") else [])],
        "env": [
            {"name": "HF_TOKEN", "value": "hf-do-not-print"}
            if wrong(f"{name}-token")
            else {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
        ],
        "resources": {"requests": {"cpu": "4", **held}, "limits": held},
        "startupProbe": probe(periodSeconds=10, failureThreshold=60),
        "readinessProbe": probe(),
        "livenessProbe": probe(periodSeconds=30),
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "weights", "mountPath": "/models", "readOnly": not wrong(f"{name}-writable")},
            {"name": "scratch", "mountPath": "/tmp"},
        ],
    }
    claim = {"name": "weights", "persistentVolumeClaim": {"claimName": "llama-70b"}}
    scratch = {"name": "scratch", "emptyDir": {"sizeLimit": "4Gi"}}
    host = {"hostIPC": True} if wrong(f"{name}-with-host") else {}
    return k8s.apps.v1.Deployment(
        name,
        metadata=metadata(name, hot),
        spec={
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {
                    "labels": {"app": name},
                    "annotations": {**TOLD, "substrate.dev/pool-gpus": str(pool_gpus)},
                },
                "spec": hardened(
                    containers=[container],
                    volumes=[claim, scratch],
                    nodeSelector={"substrate.dev/pool": pool},
                    **host,
                ),
            },
            **spec,
        },
        opts=here,
    )


def rolling(surge: int) -> dict[str, Any]:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1 - surge}}


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
        "minReplicas": 9 if wrong("hpa-bounds") else 1,
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
budget("keda")
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
budget("hot")

# Two replicas of another, which take turns.
engine("pair", hot=True, replicas=2, strategy={"type": "Recreate"} if wrong("recreate") else {})
if not wrong("no-budget"):
    budget("pair")

# A model that is scaled on its engine's own metric, to one replica at the least.
engine("metric")
k8s.apiextensions.CustomResource(
    "metric",
    api_version="keda.sh/v1alpha1",
    kind="ScaledObject",
    metadata=metadata("metric"),
    spec={
        "scaleTargetRef": {"name": "metric"},
        "minReplicaCount": 0 if wrong("metric-zero") else 1,
        "triggers": [
            {
                "type": "prometheus",
                "metadata": {
                    "serverAddress": "http://prometheus:9090",
                    "query": f"max(vllm:{'gpu' if wrong('metric-gone') else 'kv'}_cache_usage_perc)",
                    "threshold": "0.8",
                },
            }
        ],
    },
    opts=here,
)
if wrong("metric-twice"):
    k8s.autoscaling.v2.HorizontalPodAutoscaler(
        "metric",
        metadata=metadata("metric"),
        spec={"scaleTargetRef": target("metric"), "maxReplicas": 4, "metrics": [GOOD_METRIC]},
        opts=here,
    )

# A pool that is full, which its models' rollouts have to know.
engine("full", pool="h100", pool_gpus=1, strategy=rolling(1 if wrong("surge") else 0))
engine("over", pool="l40s", pool_gpus=1, strategy=rolling(0), replicas=2 if wrong("over") else 1)

# KServe.
k8s.apiextensions.CustomResource(
    "isvc",
    api_version="serving.kserve.io/v1beta1",
    kind="InferenceService",
    metadata={
        **metadata("isvc", hot=True),
        "annotations": {
            **({} if wrong("isvc-mode") else {"serving.kserve.io/deploymentMode": "Standard"}),
            "serving.kserve.io/autoscalerClass": "external",
        },
    },
    spec={
        "predictor": {
            "annotations": TOLD,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "minReplicas": 0 if wrong("isvc-zero") else 1,
            **({"scaleMetric": "cpu", "scaleTarget": 80} if wrong("isvc-cpu") else {}),
            "model": {
                "modelFormat": {"name": "huggingface"},
                "storageUri": "pvc://llama-70b/llama",
                **({} if wrong("isvc-size") else {"resources": {"limits": {"memory": "48Gi", "nvidia.com/gpu": "1"}}}),
            },
        }
    },
    opts=here,
)

# What has ended: Yatai's own resource, and a runtime that is one of KServe's without its mistake.
if wrong("yatai"):
    k8s.apiextensions.CustomResource(
        "iris",
        api_version="serving.yatai.ai/v2alpha1",
        kind="BentoDeployment",
        metadata=metadata("iris"),
        spec={"bento": "iris"},
        opts=here,
    )
k8s.apiextensions.CustomResource(
    "several",
    api_version="serving.kserve.io/v1alpha1",
    kind="ServingRuntime",
    metadata=metadata("several"),
    spec={
        "multiModel": wrong("modelmesh"),
        "supportedModelFormats": [{"name": "onnx"}],
        "containers": [{"name": "server", "image": "registry.corp:5000/ml/server:1"}],
    },
    opts=here,
)

# Weights, images, pods.
engine("mount")
engine("hub")
engine("code")
engine("shared")
engine("tag", image="vllm/vllm-openai:latest" if wrong("latest") else "vllm/vllm-openai:v0.32.0")
engine(
    "untagged",
    image="registry.corp:5000/ml/vllm-openai" if wrong("untagged") else "registry.corp:5000/ml/vllm-openai:v0.32.0",
)
engine("old", image="vllm/vllm-openai:v0.21.0" if wrong("below-floor") else "vllm/vllm-openai:v0.32.0")

# Who reaches them: a team's namespace, a Service and a route behind a Gateway that asks for a key.
k8s.core.v1.Namespace("ml", metadata={"name": "ml", "labels": {"substrate.dev/team": "ml"}}, opts=here)
if not wrong("no-policy"):
    k8s.networking.v1.NetworkPolicy(
        "default-deny",
        metadata=metadata("default-deny"),
        spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        opts=here,
    )
engine("asked")
k8s.core.v1.Service(
    "asked",
    metadata=metadata("asked"),
    spec={
        "type": "ClusterIP",
        "selector": {"app": "asked"},
        "ports": [{"name": "http", "port": 80, "targetPort": 8000}]
        + ([{"name": "zmq", "port": 55555}] if wrong("zmq") else []),
    },
    opts=here,
)
k8s.apiextensions.CustomResource(
    "asked",
    api_version="gateway.networking.k8s.io/v1",
    kind="HTTPRoute",
    metadata={
        **metadata("asked"),
        "annotations": {} if wrong("open") else {"substrate.dev/authenticated-by": "the Gateway, by mutual TLS"},
    },
    spec={
        "parentRefs": [{"name": "public", "namespace": "gateways"}],
        "rules": [{"backendRefs": [{"name": "asked", "port": 80}]}],
    },
    opts=here,
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
