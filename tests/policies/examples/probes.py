"""Probes and the end of a pod. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, probe, template, workload

EXAMPLES = {
    "no-readiness": Example(
        (workload(pod=template(container(readinessProbe=None))),),
        "container engine of spec.template.spec has no readinessProbe",
        (workload(),),
    ),
    "startup-budget": Example(
        (workload(pod=template(container(startupProbe=probe(periodSeconds=10, failureThreshold=30)))),),
        "startupProbe of container engine gives up after 300 s, and the load may take 600 s",
        (workload(),),
    ),
    "grace": Example(
        (
            workload(
                pod=template(
                    container(lifecycle={"preStop": {"sleep": {"seconds": 30}}}), terminationGracePeriodSeconds=None
                )
            ),
        ),
        "spec.template.spec.terminationGracePeriodSeconds is 30, the default,",
        (workload(pod=template(container(lifecycle={"preStop": {"sleep": {"seconds": 30}}}))),),
    ),
}
