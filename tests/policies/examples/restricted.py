"""Pod Security. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, template, workload

EXAMPLES = {
    "restricted-pod": Example(
        (workload(pod=template(container(), hostIPC=True)),),
        "spec.template.spec: hostIPC is true",
        (workload(pod=template(container())),),
    ),
}
