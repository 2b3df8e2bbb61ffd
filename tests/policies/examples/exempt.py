"""Exemptions. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, template, workload

KEY = "policy.substrate.dev/moving-image"


def moving(written: str, image: str = "nginx:latest") -> dict[str, object]:
    return workload(pod=template(container(image)), annotations={KEY: written})


EXAMPLES = {
    "exemption": Example(
        (moving("2026-01-31 the vendor ships no tags", "nginx:1.29.3"),),
        f"annotation {KEY} ended on 2026-01-31",
        (moving("2999-12-31 the vendor ships no tags"),),
    ),
}
