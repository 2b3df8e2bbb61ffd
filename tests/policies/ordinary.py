"""What runs in ordinary clusters and must not alarm anybody. Imports `written`."""

from __future__ import annotations

from typing import Any

from tests.policies.written import (
    CPU,
    HOT,
    IN_FLIGHT,
    LLM,
    claim_volume,
    container,
    hpa,
    inference_service,
    knative,
    metadata,
    mount,
    prometheus,
    scaled_object,
    template,
    workload,
)

Manifest = dict[str, Any]
GPU = {"limits": {"nvidia.com/gpu": "1"}}
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}},
}
DIGEST = "0" * 63 + "1"


def web(image: str, **fields: Any) -> Manifest:
    return workload("web", template(container(image, "web", **fields)))


def job(image: str, labels: dict[str, str] | None = None, **pod: Any) -> Manifest:
    fields = pod.pop("container", {})
    return workload(
        "job", template(container(image, "work", **fields), **pod), kind="Job", version="batch/v1", labels=labels
    )


def data(kind: str, values: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata("files"), "data": values}


KEDA_CRD: Manifest = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "scaledjobs.keda.sh"},
    "spec": {
        "versions": [
            {
                "name": "v1alpha1",
                "schema": {
                    "openAPIV3Schema": {
                        "properties": {
                            "containers": {"type": "array", "items": {"properties": {"image": {"type": "string"}}}}
                        },
                        "required": ["containers"],
                    }
                },
            }
        ]
    },
}

# Each entry is a whole stack.
ORDINARY: dict[str, list[Manifest]] = {
    "web server on CPU, v2": [web("nginx:1.29"), hpa("web", metrics=[CPU])],
    "web server on CPU, v1": [web("nginx:1.29"), hpa("web", "autoscaling/v1", targetCPUUtilizationPercentage=60)],
    "web server with the API's default": [web("nginx:1.29"), hpa("web")],
    "Java service on memory": [web("eclipse-temurin:21.0.8_9-jre"), hpa("web", metrics=[MEMORY])],
    "worker on KEDA's cpu trigger": [
        web("registry.corp/worker:7"),
        scaled_object("web", {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}}),
    ],
    "queue worker that goes to zero": [
        web("registry.corp/worker:7"),
        scaled_object(
            "web", {"type": "kafka", "metadata": {"lagThreshold": "5"}}, minReplicaCount=0, idleReplicaCount=0
        ),
    ],
    "video transcoder on a GPU, by CPU": [
        web("jrottenberg/ffmpeg:7.1-nvidia", args=["--model", "superres"], resources=GPU),
        hpa("web", metrics=[CPU]),
    ],
    "training Job that writes checkpoints to /models": [
        job(
            "pytorch/pytorch:2.9.1-cuda12.6-cudnn9-runtime",
            container={
                "command": ["python", "-m", "torch.distributed.run", "train.py"],
                "args": ["--model", "resnet50", "--output", "/models/resnet50"],
                "resources": GPU,
                "volumeMounts": [mount()],
            },
            volumes=[claim_volume("checkpoints")],
        )
    ],
    "chat page in front of Ollama": [
        web("ghcr.io/open-webui/open-webui:v0.6.36", env=[{"name": "OLLAMA_BASE_URL", "value": "http://ollama:11434"}]),
        hpa("web", metrics=[CPU]),
    ],
    "router in front of vLLM": [
        web("lmcache/lmstack-router:v0.1.7", args=["--static-backends", "http://llama:8000"]),
        hpa("web", metrics=[CPU]),
    ],
    "proxy that names a model server": [
        web(
            "envoyproxy/envoy:v1.36.2",
            args=["--upstream", "llama-server", "--health", "http://llama-server:8080/health"],
        ),
        hpa("web", metrics=[CPU]),
    ],
    "client library of a model, with a token": [
        web(
            "registry.corp/chatbot:3",
            env=[{"name": "HF_TOKEN", "value": "x"}, {"name": "VLLM_URL", "value": "http://llama"}],
        ),
        hpa("web", metrics=[CPU]),
    ],
    "database with its own volume": [
        workload(
            "db",
            template(container("postgres:18.1", "db", volumeMounts=[mount("/var/lib/postgresql/data", "data")])),
            kind="StatefulSet",
            volumeClaimTemplates=[{"metadata": {"name": "data"}}],
        )
    ],
    "classical model on CPU in KServe": [
        inference_service(
            {
                "model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://m/iris"},
                "scaleMetric": "cpu",
                "maxReplicas": 5,
            },
            annotations={"serving.kserve.io/deploymentMode": "Standard"},
        )
    ],
    "classical model, the older way": [
        {
            **inference_service(annotations={"serving.kserve.io/autoscalerClass": "hpa"}),
            "spec": {"predictor": {"xgboost": {"storageUri": "s3://m/x"}, "scaleMetric": "memory", "maxReplicas": 5}},
        }
    ],
    "web function on Knative, by CPU": [knative({"autoscaling.knative.dev/metric": "cpu"}, "registry.corp/function:4")],
    "log collector on every node": [
        workload(
            "logs",
            template(
                container("fluent/fluent-bit:4.2.0", "logs", volumeMounts=[mount("/var/log", "logs")]),
                volumes=[{"name": "logs", "hostPath": {"path": "/var/log"}}],
            ),
            kind="DaemonSet",
        )
    ],
    "nightly report": [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": metadata("report"),
            "spec": {"jobTemplate": {"spec": {"template": template(container("busybox:1.37", "report"))}}},
        }
    ],
    "vLLM as it should be": [
        workload(
            pod=template(
                container(
                    args=["--model", "/models/llama"],
                    resources=GPU,
                    volumeMounts=[mount(readOnly=True), mount("/root/.cache", "cache")],
                ),
                volumes=[claim_volume(), claim_volume("hub-cache", "cache")],
            ),
            labels=HOT,
            annotations={"substrate.dev/min-replicas": "2"},
        ),
        scaled_object(minReplicaCount=2),
    ],
    "llama.cpp by its own metric": [
        workload(pod=template(container("ghcr.io/ggml-org/llama.cpp:server-b6942", args=["-m", "/models/a.gguf"]))),
        hpa(metrics=[{"type": "Pods", "pods": {"metric": {"name": "llamacpp_requests_processing"}}}]),
    ],
    "vLLM by its KV cache in CPU memory": [
        workload(),
        scaled_object("llama", prometheus("avg(vllm:cpu_cache_usage_perc)")),
    ],
    "model for the long tail, to zero": [
        workload(labels={"substrate.dev/tier": "longTail", **LLM}, replicas=0),
        scaled_object(minReplicaCount=0),
    ],
    "weights downloaded to scratch": [
        workload(
            pod=template(
                container(volumeMounts=[mount(), mount("/models/cache", "own")]),
                volumes=[{"name": "weights", "emptyDir": {}}, {"name": "own", "ephemeral": {}}],
            )
        )
    ],
    "stager that writes the weights": [
        job(
            "substrate.local/stager:1",
            labels={"app.kubernetes.io/component": "stager", **LLM},
            container={"volumeMounts": [mount("/weights")]},
            volumes=[claim_volume("weights-store-01")],
        )
    ],
    "KServe with a scaler of our own": [
        inference_service(
            {"minReplicas": 2}, annotations={"serving.kserve.io/autoscalerClass": "external"}, labels=HOT
        ),
        hpa("llama-predictor", minReplicas=2, metrics=[IN_FLIGHT]),
    ],
    "images pinned every way": [
        workload("a", template(container(f"vllm/vllm-openai@sha256:{DIGEST}"))),
        workload("b", template(container(f"vllm/vllm-openai:latest@sha256:{DIGEST}"))),
        workload("c", template(container("localhost:5000/web:1", "web"))),
    ],
    "definition of a resource": [KEDA_CRD],
    "files that look like manifests": [
        data(
            "ConfigMap", {"deploy.yaml": "kind: HorizontalPodAutoscaler\nmetrics: []\nimage: vllm/vllm-openai:latest"}
        ),
        data("Secret", {"token": "c2VjcmV0"}),
    ],
}
