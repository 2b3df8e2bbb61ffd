"""Disruption budgets. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import HOT, budget, workload

EXAMPLES = {
    "no-disruption-budget": Example(
        (budget({"app": "b"}), workload(labels=HOT, replicas=2)),
        "no PodDisruptionBudget of the stack selects the 2 pods of it",
        (budget(), workload(labels=HOT, replicas=2)),
    ),
    "budget-blocks-drain": Example(
        (workload(replicas=2), budget(minAvailable=2)),
        "spec.minAvailable is 2 of 2, so no pod of Deployment ml/llama may ever be evicted",
        (workload(replicas=2), budget(minAvailable=1)),
    ),
    "unhealthy-blocks-drain": Example(
        (workload(replicas=2), budget(unhealthyPodEvictionPolicy="IfHealthyBudget")),
        "spec.unhealthyPodEvictionPolicy is not AlwaysAllow",
        (workload(replicas=2), budget()),
    ),
}
