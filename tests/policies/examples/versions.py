"""Versions. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, template, workload

EXAMPLES = {
    "below-floor": Example(
        (workload(pod=template(container("vllm/vllm-openai:v0.21.0"))),),
        "image of container engine is vllm/vllm-openai:v0.21.0, below vLLM 0.32.0: CVE-2026-115911",
        (workload(pod=template(container("vllm/vllm-openai:v0.32.0"))),),
    ),
}
