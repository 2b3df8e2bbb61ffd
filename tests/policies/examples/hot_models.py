"""Hot models. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import HOT, IN_FLIGHT, budget, hpa, workload

TWO = {"substrate.dev/min-replicas": "2"}

EXAMPLES = {
    "hot-floor": Example(
        (workload(labels=HOT, annotations=TWO, replicas=1),),
        "spec.replicas is 1, and a hot model keeps at least 2",
        (workload(labels=HOT, annotations=TWO, replicas=2), budget()),
    ),
    "hot-floor-in-stack": Example(
        (workload(labels=HOT, annotations=TWO), hpa(metrics=[IN_FLIGHT], minReplicas=1)),
        "spec.minReplicas is 1",
        (workload(labels=HOT, annotations=TWO), hpa(metrics=[IN_FLIGHT], minReplicas=2), budget()),
    ),
}
