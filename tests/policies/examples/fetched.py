"""Weights that come at pod start. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import TOLD, container, inference_service, template, workload


def hub(**fields: object) -> dict[str, object]:
    return workload(pod=template(container(args=["--model", "meta-llama/Llama-3.1-8B"], **fields)))


def stored(uri: str) -> dict[str, object]:
    sized = {"resources": {"limits": {"memory": "32Gi"}}}
    model = {"modelFormat": {"name": "vllm"}, "storageUri": uri, **sized}
    return inference_service({"model": model, "annotations": TOLD})


EXAMPLES = {
    "fetched-at-start": Example(
        (stored("s3://models/llama/"),),
        "spec.predictor.model.storageUri leads to s3://",
        (stored("pvc://models/llama"), hub()),
    ),
}
