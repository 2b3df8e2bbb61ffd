"""Weights. Imports the manifests' builders."""

from __future__ import annotations

from typing import Any

from tests.policies.examples.example import Example
from tests.policies.written import POOL, claim_volume, container, mount, template, workload


def mounting(**fields: Any) -> dict[str, Any]:
    return workload(pod=template(container(volumeMounts=[mount(**fields)]), volumes=[claim_volume()]))


def told(annotations: dict[str, str]) -> dict[str, Any]:
    """A server of staged weights that says this of itself."""
    manifest = mounting(readOnly=True)
    manifest["metadata"]["annotations"] = annotations
    manifest["spec"]["template"]["metadata"]["annotations"] = {"substrate.dev/cold-start-budget": "600s", **POOL}
    return manifest


SHA256 = "0123456789abcdef" * 4
EXAMPLES = {
    "writable-weights": Example(
        (mounting(),), "volumeMounts[weights] of container engine at /models is writable", (mounting(readOnly=True),)
    ),
    "no-digest": Example(
        (told({}),),
        "annotation substrate.dev/weights-digest is missing",
        (told({"substrate.dev/weights-digest": SHA256}),),
    ),
}
