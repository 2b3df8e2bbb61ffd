"""Scalers and their targets. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import IN_FLIGHT, hpa, scaled_object, workload

EXAMPLES = {
    "min-above-max": Example(
        (workload(), hpa(metrics=[IN_FLIGHT], minReplicas=5)),
        "spec.minReplicas is 5, and spec.maxReplicas is 4",
        (workload(), hpa(metrics=[IN_FLIGHT], minReplicas=4)),
    ),
    "two-scalers": Example(
        (workload(), hpa(metrics=[IN_FLIGHT]), scaled_object(minReplicaCount=1)),
        "it scales Deployment ml/llama, and so does HorizontalPodAutoscaler ml/llama-hpa",
        (workload(), scaled_object(minReplicaCount=1), workload("qwen"), hpa("qwen", metrics=[IN_FLIGHT])),
    ),
    "scaler-without-target": Example(
        (workload(), scaled_object("lama", minReplicaCount=1)),
        "spec.scaleTargetRef is Deployment ml/lama, which is not in this stack, and Deployment ml/llama is",
        (workload(), scaled_object(minReplicaCount=1)),
    ),
}
