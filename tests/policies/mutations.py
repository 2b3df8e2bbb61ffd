"""Single changes of the shipped stacks that a reviewer would reject, each with the rule that is meant for it.

A change is made in the manifests that a stack makes. Imports what changes are made with.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.policies.changes import (
    ENGINE,
    GONE,
    HOT,
    LARGE,
    LLAMA,
    ON_KSERVE,
    TRITON,
    VLLM,
    Mutation,
    Stack,
    add,
    argument,
    beside,
    engine,
    find,
    first,
    gone,
    hpa_of,
    keda_of,
    mount,
    no_digest,
    no_shared_memory,
    object_of,
    of,
    pod,
    scaled_by,
    service,
    together,
    variable,
    volume,
    without_argument,
)
from tests.policies.written import CPU, IN_FLIGHT, hpa, prometheus

MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 8}},
}
CPU_TRIGGER = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
OPEN_POLICY = object_of(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    "open",
    spec={"podSelector": {}, "ingress": [{}], "policyTypes": ["Ingress"]},
)
YATAI = object_of("serving.yatai.ai/v2alpha1", "BentoDeployment", "iris", spec={})
TRAINED = object_of("serving.kserve.io/v1alpha1", "TrainedModel", "iris", spec={})
TOKENS = object_of("v1", "ConfigMap", "tokens", data={"token": "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH"})


SURGE = {"maxSurge": 1, "maxUnavailable": 0}


def of_fleet(what: str, change: Callable[[Stack], None], *rules: str) -> Mutation:
    return Mutation(what, "fleet", change, rules)


MUTATIONS = [
    # autoscaling
    of_fleet("scales on CPU", scaled_by(hpa_of(metrics=[CPU])), "host-metric-in-stack"),
    of_fleet("scales on CPU beside a good metric", scaled_by(hpa_of(metrics=[IN_FLIGHT, CPU])), "host-metric-in-stack"),
    of_fleet("scales on memory", scaled_by(hpa_of(metrics=[MEMORY])), "host-metric-in-stack"),
    of_fleet("scales on nothing, which is CPU", scaled_by(hpa_of(metrics=[])), "host-metric-in-stack"),
    of_fleet(
        "scales on CPU by the old API",
        scaled_by(hpa(f"{VLLM}-plain", "autoscaling/v1", minReplicas=1, targetCPUUtilizationPercentage=70)),
        "host-metric-in-stack",
    ),
    of_fleet("scales on CPU by KEDA", scaled_by(keda_of(CPU_TRIGGER)), "host-metric-in-stack"),
    of_fleet(
        "scales on CPU by KEDA, from Prometheus",
        scaled_by(keda_of(prometheus("avg(rate(container_cpu_usage_seconds_total[1m]))"))),
        "host-metric-in-stack",
    ),
    of_fleet(
        "scales on CPU by KServe",
        together(
            gone("ScaledObject", f"{ON_KSERVE}-kserve"),
            service("spec.predictor.scaleMetric", "cpu"),
            service("spec.predictor.minReplicas", 2),
            service("spec.predictor.maxReplicas", 4),
            service("annotation:serving.kserve.io/autoscalerClass", "hpa"),
        ),
        "host-metric",
    ),
    of_fleet("is never as few as its most", scaled_by(hpa_of(minReplicas=2, maxReplicas=1)), "min-above-max"),
    of_fleet(
        "never scales down to KEDA's minimum", scaled_by(keda_of(minReplicaCount=2, maxReplicaCount=1)), "min-above-max"
    ),
    of_fleet("has two scalers", scaled_by(hpa_of(), keda_of()), "two-scalers"),
    of_fleet("has a second scaler beside the stack's own", beside(hpa_of()), "two-scalers"),
    of_fleet("misspells a metric", scaled_by(keda_of(prometheus("sum(vllm:num_request_waiting)"))), "unknown-metric"),
    of_fleet(
        "scales on another engine's metric",
        scaled_by(keda_of(prometheus("sum(llamacpp:requests_deferred)"))),
        "unknown-metric",
    ),
    # hot models and the long tail
    of_fleet("a hot model has one replica", of("Deployment", f"{HOT}-plain", "spec.replicas", 1), "hot-floor"),
    of_fleet("a hot model has none", of("Deployment", f"{HOT}-plain", "spec.replicas", 0), "hot-floor"),
    of_fleet(
        "a hot model may be scaled to one",
        scaled_by(hpa_of(HOT, minReplicas=1), namespace="code"),
        "hot-floor-in-stack",
    ),
    of_fleet(
        "a hot model may be scaled to zero",
        scaled_by(keda_of(model=HOT, minReplicaCount=0), namespace="code"),
        "hot-floor-in-stack",
    ),
    of_fleet(
        "a hot model idles at zero",
        scaled_by(keda_of(model=HOT, minReplicaCount=2, maxReplicaCount=2, idleReplicaCount=0), namespace="code"),
        "hot-floor-in-stack",
    ),
    of_fleet("a hot model has one replica on KServe", service("spec.predictor.minReplicas", 1), "hot-floor"),
    of_fleet("a hot model has no disruption budget", gone("PodDisruptionBudget", HOT), "no-disruption-budget"),
    of_fleet("a drain waits for ever", of("PodDisruptionBudget", HOT, "spec.maxUnavailable", 0), "budget-blocks-drain"),
    of_fleet(
        "a drain waits for all replicas",
        together(
            of("PodDisruptionBudget", HOT, "spec.maxUnavailable", GONE),
            of("PodDisruptionBudget", HOT, "spec.minAvailable", "100%"),
        ),
        "budget-blocks-drain",
    ),
    of_fleet(
        "asks for more than the pool has",
        together(
            of("ScaledObject", f"{HOT}-plain", "spec.minReplicaCount", 9),
            of("ScaledObject", f"{HOT}-plain", "spec.maxReplicaCount", 9),
        ),
        "beyond-the-pool",
    ),
    of_fleet("a model is at zero that nothing wakes", scaled_by(keda_of(minReplicaCount=0)), "zero-without-waker"),
    Mutation(
        "the one GPU's rollout waits for a second one",
        "homelab",
        of("InferenceService", "qwen2-5-7b-kserve", "spec.predictor.deploymentStrategy.rollingUpdate", SURGE),
        ("surge-without-room",),
    ),
    of_fleet(
        "a rollout takes all replicas of a hot model away",
        of("Deployment", f"{HOT}-plain", "spec.strategy", {"type": "Recreate"}),
        "recreate-hot",
    ),
    # weights
    of_fleet(
        "the weights can be written",
        together(mount("weights", "readOnly", GONE), volume("weights", "persistentVolumeClaim.readOnly", GONE)),
        "writable-weights",
    ),
    of_fleet(
        "a pod downloads its weights first", first("aws", "s3", "cp", "s3://models/x", "/models"), "fetched-at-start"
    ),
    of_fleet(
        "a shell downloads the weights first", first("sh", "-c", "aws s3 sync s3://models /models"), "fetched-at-start"
    ),
    of_fleet(
        "KServe downloads the weights", service("spec.predictor.model.storageUri", "s3://models/x"), "fetched-at-start"
    ),
    of_fleet(
        "llama.cpp downloads its model",
        together(without_argument("--offline", LLAMA), argument("-hf", "org/model", model=LLAMA)),
        "fetched-at-start",
    ),
    of_fleet(
        "nobody knows which weights",
        no_digest,
        "no-digest",
    ),
    of_fleet("loads pickles", argument("--load-format=pt"), "pickle-weights"),
    of_fleet("runs the weights' own code", argument("--trust-remote-code"), "remote-code"),
    of_fleet("runs the weights' own code, said otherwise", argument("--trust_remote_code=true"), "remote-code"),
    # pods
    of_fleet("may be root", pod("securityContext.runAsNonRoot", False), "restricted-pod"),
    of_fleet("may gain privileges", engine("securityContext.allowPrivilegeEscalation", True), "restricted-pod"),
    of_fleet("keeps capabilities", engine("securityContext.capabilities", GONE), "restricted-pod"),
    of_fleet("adds a capability", engine("securityContext.capabilities.add", ["SYS_ADMIN"]), "restricted-pod"),
    of_fleet("is privileged", engine("securityContext.privileged", True), "restricted-pod"),
    of_fleet("shares the node's memory", pod("hostIPC", True), "restricted-pod"),
    of_fleet("shares the node's network", pod("hostNetwork", True), "restricted-pod"),
    of_fleet("mounts the node's files", volume("scratch", "hostPath", {"path": "/tmp"}), "restricted-pod"),
    of_fleet("has no seccomp profile", pod("securityContext.seccompProfile", GONE), "restricted-pod"),
    of_fleet("probes another host", engine("readinessProbe.httpGet.host", "10.0.0.1"), "restricted-pod"),
    of_fleet("holds a key to the API server", pod("automountServiceAccountToken", True), "service-account-token"),
    of_fleet("is told of every Service", pod("enableServiceLinks", GONE), "service-links"),
    of_fleet("is sent requests before it is ready", engine("readinessProbe", GONE), "no-readiness"),
    of_fleet("is ended while it loads", engine("startupProbe.failureThreshold", 3), "startup-budget"),
    of_fleet("has no memory limit", engine("resources.limits.memory", GONE), "gpu-resources"),
    of_fleet("has no CPU request", engine("resources.requests.cpu", GONE), "gpu-resources"),
    of_fleet("two GPUs share 64 MB", no_shared_memory, "shared-memory"),
    of_fleet("shared memory has no limit", volume("shared-memory", "emptyDir.sizeLimit", GONE, LARGE), "shared-memory"),
    of_fleet("is killed before it has drained", pod("terminationGracePeriodSeconds", 10), "grace"),
    of_fleet("writes into its image", engine("securityContext.readOnlyRootFilesystem", False), "writable-root"),
    # images, versions, what has ended
    of_fleet("runs what is newest", engine("image", "vllm/vllm-openai:latest"), "moving-image"),
    of_fleet("runs whatever", engine("image", "vllm/vllm-openai"), "moving-image"),
    of_fleet("runs a version with known holes", engine("image", "vllm/vllm-openai:v0.11.0"), "below-floor"),
    of_fleet(
        "runs an old Triton",
        of("Deployment", f"{TRITON}-triton", f"{ENGINE}.image", "nvcr.io/nvidia/tritonserver:24.05-py3"),
        "below-floor",
    ),
    of_fleet(
        "runs an old llama.cpp", engine("image", "ghcr.io/ggml-org/llama.cpp:server-cuda-b5000", LLAMA), "below-floor"
    ),
    of_fleet("deploys to Yatai", beside(YATAI), "ended-yatai"),
    of_fleet("deploys to ModelMesh", beside(TRAINED), "ended-modelmesh"),
    # KServe
    of_fleet(
        "leaves the mode to the cluster", service("annotation:serving.kserve.io/deploymentMode", GONE), "kserve-mode"
    ),
    of_fleet(
        "splits traffic where nobody does", service("spec.predictor.canaryTrafficPercent", 10), "canary-in-standard"
    ),
    of_fleet("takes KServe's default limits", service("spec.predictor.model.resources", GONE), "kserve-default-limits"),
    # network and secrets
    of_fleet("is on the internet", of("Service", VLLM, "spec.type", "LoadBalancer"), "public-service"),
    of_fleet("is on every node's address", of("Service", VLLM, "spec.type", "NodePort"), "public-service"),
    of_fleet(
        "publishes what workers say to each other",
        lambda stack: add(find(stack, "Service", VLLM), "spec.ports", {"name": "zmq", "port": 29500}),
        "internal-port-published",
    ),
    of_fleet("lets everybody in", beside(OPEN_POLICY), "allows-everything"),
    of_fleet(
        "denies nothing to a team",
        lambda stack: stack.remove(next(one for one in stack if one["metadata"]["name"] == "default-deny")),
        "default-deny",
    ),
    of_fleet(
        "opens a route to whoever comes", of("HTTPRoute", VLLM, "annotation:substrate.dev/reached-at", GONE), "open-api"
    ),
    of_fleet(
        "has a token in its manifest", variable("HF_TOKEN", "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH"), "plain-secret"
    ),
    of_fleet("has a key on its command line", argument("--api-key", "sk-very-secret-indeed"), "plain-secret"),
    of_fleet("keeps a token where everybody reads", beside(TOKENS), "plain-secret"),
    # exemptions
    of_fleet(
        "an exemption has ended",
        of("Deployment", f"{VLLM}-plain", "annotation:policy.substrate.dev/moving-image", "2026-01-31 soon"),
        "exemption",
    ),
]
