"""Models that go to zero. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import prometheus, scaled_object, workload

AT_THE_GATEWAY = prometheus("sum(rate(envoy_cluster_upstream_rq_total[1m]))")

EXAMPLES = {
    "zero-without-waker": Example(
        (workload(), scaled_object()),
        "spec.minReplicaCount is not set, which means 0, and nothing wakes it",
        (workload(), scaled_object("llama", prometheus(), AT_THE_GATEWAY)),
    ),
}
