"""Code in weights. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, template, workload


def engine(*arguments: str, annotations: dict[str, str] | None = None) -> dict[str, object]:
    return workload(pod=template(container(args=["--model", "/models/a", *arguments])), annotations=annotations)


EXAMPLES = {
    "pickle-weights": Example(
        (workload(pod=template(container(args=["--model", "/models/pytorch_model.bin"]))),),
        "argument --model of container engine names a file of pickles",
        (engine("--load-format=safetensors"),),
    ),
    "remote-code": Example(
        (engine("--trust-remote-code"),),
        "argument --trust-remote-code of container engine is set",
        (
            engine(
                "--trust-remote-code",
                annotations={"substrate.dev/allow-remote-code": "read on 2026-11-02 by the platform team (ML-77)"},
            ),
        ),
    ),
}
