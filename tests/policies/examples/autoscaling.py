"""Scalers. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import CPU, IN_FLIGHT, LLM, hpa, workload

EXAMPLES = {
    "host-metric": Example(
        (workload(), hpa(labels=LLM, metrics=[CPU])),
        "spec.metrics[0] is Resource cpu",
        (workload(), hpa(labels=LLM, metrics=[IN_FLIGHT])),
    ),
    "host-metric-in-stack": Example(
        (workload(), hpa(metrics=[CPU])),
        "spec.metrics[0] is Resource cpu",
        (workload(), hpa(metrics=[IN_FLIGHT])),
    ),
}
