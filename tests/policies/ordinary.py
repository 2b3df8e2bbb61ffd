"""What runs in ordinary clusters and must not alarm anybody. Imports `written`."""

from __future__ import annotations

from typing import Any

from tests.policies.written import (
    CPU,
    HOT,
    IN_FLIGHT,
    LLM,
    bare,
    budget,
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
SAID = {"substrate.dev/vllm-version": "0.32.0"}
DIGEST = "0" * 63 + "1"
KEDA_CPU = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}}


def web(image: str, **fields: Any) -> Manifest:
    return workload("web", {"spec": {"containers": [bare(image, "web", **fields)]}})


def job(image: str, labels: dict[str, str] | None = None, **pod: Any) -> Manifest:
    fields = pod.pop("container", {})
    return workload(
        "job",
        {"spec": {"containers": [bare(image, "work", **fields)], **pod}},
        kind="Job",
        version="batch/v1",
        labels=labels,
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
def kserve(predictor: dict[str, Any], version: str = "v1beta1") -> dict[str, Any]:
    """An InferenceService as a sample has it, with nothing but its predictor."""
    spec = {"default": {"predictor": predictor}} if version == "v1alpha2" else {"predictor": predictor}
    return {
        "apiVersion": f"serving.kserve.io/{version}",
        "kind": "InferenceService",
        "metadata": metadata("flowers"),
        "spec": spec,
    }


ORDINARY: dict[str, list[Manifest]] = {
    "web server on CPU, v2": [web("nginx:1.29"), hpa("web", metrics=[CPU])],
    "web server on CPU, v1": [web("nginx:1.29"), hpa("web", "autoscaling/v1", targetCPUUtilizationPercentage=60)],
    "web server with the API's default": [web("nginx:1.29"), hpa("web")],
    "Java service on memory": [web("eclipse-temurin:21.0.8_9-jre"), hpa("web", metrics=[MEMORY])],
    "worker on KEDA's cpu trigger": [
        web("registry.corp/worker:7"),
        scaled_object("web", KEDA_CPU),
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
    "fine-tuning Job that fetches a base model": [
        job(
            "corp/finetune:2",
            container={
                "command": ["sh", "-c", "hf download meta-llama/Llama-3.1-8B --local-dir /base && python train.py"],
                "args": ["--trust-remote-code", "--model", "/base/model.pt"],
                "env": [{"name": "HF_TOKEN", "value": "x"}],
                "resources": GPU,
            },
            hostIPC=True,
        )
    ],
    "notebook with a GPU": [
        web("jupyter/pytorch-notebook:2026-10-01", env=[{"name": "HF_TOKEN", "value": "x"}], resources=GPU)
    ],
    "search by embeddings on a GPU, that asks a model server": [
        web("corp/search:4", env=[{"name": "VLLM_BASE_URL", "value": "http://llama/v1"}], resources=GPU)
    ],
    "training cluster of Ray": [
        {
            "apiVersion": "ray.io/v1",
            "kind": "RayCluster",
            "metadata": metadata("train"),
            "spec": {
                "headGroupSpec": {"template": {"spec": {"containers": [bare("rayproject/ray:2.60.0", "ray-head")]}}},
                "workerGroupSpecs": [
                    {
                        "template": {
                            "spec": {"containers": [bare("rayproject/ray:2.60.0-gpu", "ray-worker", resources=GPU)]}
                        }
                    }
                ],
            },
        }
    ],
    "render farm of leaders and workers": [
        {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "metadata": metadata("render"),
            "spec": {
                "leaderWorkerTemplate": {
                    "workerTemplate": {
                        "spec": {"containers": [bare("corp/render:1", resources=GPU)], "hostNetwork": True}
                    }
                }
            },
        }
    ],
    "web server that takes its files from a store": [
        workload(
            "web",
            {
                "spec": {
                    "containers": [bare("nginx:1.29")],
                    "initContainers": [bare("amazon/aws-cli:2.31.0", args=["s3", "sync", "s3://site/", "/www"])],
                }
            },
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
    "classifiers in KServe, on a GPU too": [
        kserve({framework: {"storageUri": "gs://m/flowers", "resources": GPU}, "scaleMetric": "cpu", "maxReplicas": 5})
        for framework in ("tensorflow", "onnx", "sklearn", "paddle")
    ],
    "Triton with a classifier on CPU in KServe": [kserve({"triton": {"storageUri": "gs://m/cifar10"}})],
    "own container in KServe": [kserve({"containers": [{"name": "kserve-container", "image": "corp/detector:2"}]})],
    "own container in KServe, the older way": [
        kserve({"custom": {"container": {"name": "x", "image": "corp/detector:2"}}}, "v1alpha2"),
        kserve({"tensorflow": {"storageUri": "pvc://m/mnist"}}, "v1alpha2"),
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
                    volumeMounts=[mount(readOnly=True), mount("/root/.cache", "cache")],
                ),
                volumes=[claim_volume(), claim_volume("hub-cache", "cache")],
            ),
            labels=HOT,
            annotations={"substrate.dev/min-replicas": "2"},
        ),
        scaled_object(minReplicaCount=2),
        budget(),
    ],
    "llama.cpp by its own metric": [
        workload(pod=template(container("ghcr.io/ggml-org/llama.cpp:server-b11434", args=["-m", "/models/a.gguf"]))),
        hpa(metrics=[{"type": "Pods", "pods": {"metric": {"name": "llamacpp_requests_processing"}}}]),
    ],
    "vLLM by its KV cache in CPU memory": [
        workload(),
        scaled_object("llama", prometheus("avg(vllm:kv_offload_cpu_cache_usage_perc)"), minReplicaCount=1),
    ],
    "model for the long tail, to zero": [
        workload(labels={"substrate.dev/tier": "longTail", **LLM}, replicas=0),
        scaled_object("llama", prometheus(), prometheus("sum(rate(envoy_cluster_upstream_rq_total[1m]))")),
    ],
    "model that is switched off": [workload(replicas=0)],
    "model for the long tail, woken by the HTTP add-on": [
        workload(labels={"substrate.dev/tier": "longTail"}),
        {
            "apiVersion": "http.keda.sh/v1alpha1",
            "kind": "HTTPScaledObject",
            "metadata": metadata("llama"),
            "spec": {"scaleTargetRef": {"name": "llama"}, "replicas": {"min": 0, "max": 2}},
        },
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
        budget({"serving.kserve.io/inferenceservice": "llama"}),
    ],
    "two scalers of a web server": [web("nginx:1.29"), hpa("web", metrics=[CPU]), scaled_object("web", KEDA_CPU)],
    "scaler of what another stack makes": [hpa("shop", metrics=[CPU])],
    "budget that holds a database": [
        workload("db", template(bare("postgres:18.1", "db"), labels={"app": "db"}), kind="StatefulSet", replicas=1),
        budget({"app": "db"}, maxUnavailable=0, unhealthyPodEvictionPolicy="IfHealthyBudget"),
    ],
    "renderers on more GPUs than a pool has": [
        workload("render", template(bare("corp/render:1", resources=GPU)), replicas=9, strategy={"type": "Recreate"})
    ],
    "metric of a recording rule": [
        workload(),
        scaled_object("llama", prometheus("sum(vllm:in_flight) + max(vllm:queue:sum1m)"), minReplicaCount=1),
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": metadata("load"),
            "spec": {"groups": [{"rules": [{"record": "vllm:in_flight", "expr": "vllm:num_requests_running"}]}]},
        },
    ],
    "images pinned every way": [
        workload("a", template(container(f"vllm/vllm-openai@sha256:{DIGEST}")), annotations=SAID),
        workload("b", template(container(f"vllm/vllm-openai:latest@sha256:{DIGEST}")), annotations=SAID),
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
