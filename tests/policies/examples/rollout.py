"""Rollouts. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import HOT, budget, workload

ONE_BY_ONE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}

EXAMPLES = {
    "surge-without-room": Example(
        (workload("qwen", replicas=7), workload(replicas=1)),
        "spec.strategy has maxSurge 25%, maxUnavailable 25%, and pool a100 has 0 of its 8 GPUs free of the 1",
        (workload("qwen", replicas=7), workload(replicas=1, strategy=ONE_BY_ONE)),
    ),
    "recreate-hot": Example(
        (budget(), workload(labels=HOT, replicas=2, strategy={"type": "Recreate"})),
        "spec.strategy.type is Recreate with 2 replicas",
        (budget(), workload(labels=HOT, replicas=2, strategy=ONE_BY_ONE)),
    ),
}
