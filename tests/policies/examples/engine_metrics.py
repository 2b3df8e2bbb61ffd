"""Metrics of engines. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import prometheus, scaled_object, workload

EXAMPLES = {
    "unknown-metric": Example(
        (workload(), scaled_object("llama", prometheus("max(vllm:gpu_cache_usage_perc)"), minReplicaCount=1)),
        "spec.triggers[0] asks for vllm:gpu_cache_usage_perc, which vllm does not export any more",
        (workload(), scaled_object("llama", prometheus("max(vllm:kv_cache_usage_perc)"), minReplicaCount=1)),
    ),
}
