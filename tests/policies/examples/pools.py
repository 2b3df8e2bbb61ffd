"""Pools of GPUs. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import workload

EXAMPLES = {
    "beyond-the-pool": Example(
        (workload(replicas=3), workload("qwen", replicas=6)),
        "pool a100 has 8 GPUs, and its workloads always hold 9 (Deployment ml/qwen 6, Deployment ml/llama 3)",
        (workload("qwen", replicas=5), workload(replicas=2)),
    ),
}
