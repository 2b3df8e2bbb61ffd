"""Secrets. Imports the manifests' builders."""

from __future__ import annotations

from typing import Any

from tests.policies.examples.example import Example
from tests.policies.written import container, template, workload


def with_token(**source: Any) -> dict[str, Any]:
    offline = {"name": "HF_HUB_OFFLINE", "value": "1"}
    return workload(pod=template(container(env=[offline, {"name": "HF_TOKEN", **source}])))


EXAMPLES = {
    "plain-secret": Example(
        (with_token(value="canary-7f3a"),),
        "env HF_TOKEN of container engine is written in plain text",
        (with_token(valueFrom={"secretKeyRef": {"name": "hub", "key": "token"}}),),
    ),
}
