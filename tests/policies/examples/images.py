"""Images. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, template, workload

EXAMPLES = {
    "moving-image": Example(
        (workload(pod=template(container("nginx:latest"))),),
        "image of container engine is nginx:latest: the tag latest moves",
        (workload(pod=template(container("nginx:1.29.3"))),),
    ),
}
