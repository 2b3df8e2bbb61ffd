"""KServe. Imports the manifests' builders."""

from __future__ import annotations

from typing import Any

from tests.policies.examples.example import Example
from tests.policies.written import inference_service

MODE = "serving.kserve.io/deploymentMode"
BARE_MODEL = {"modelFormat": {"name": "huggingface"}, "storageUri": "pvc://llama/7b"}


def without_mode() -> dict[str, Any]:
    made = inference_service()
    del made["metadata"]["annotations"]
    return made


EXAMPLES = {
    "kserve-mode": Example((without_mode(),), f"annotation {MODE} is missing", (inference_service(),)),
    "canary-in-standard": Example(
        (inference_service({"canaryTrafficPercent": 10}),),
        f"spec.predictor.canaryTrafficPercent is set, and annotation {MODE} is Standard",
        (inference_service({"canaryTrafficPercent": 10}, annotations={MODE: "Knative"}),),
    ),
    "kserve-default-limits": Example(
        (inference_service({"model": BARE_MODEL}),), "spec.predictor.model has no resources", (inference_service(),)
    ),
}
