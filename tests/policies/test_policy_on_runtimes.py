"""An InferenceService is judged with the runtime that it names, where the stack has it: no rule is blind there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import judge, only, topic
from tests.policies.written import POOL as GPUS
from tests.policies.written import TOLD, container, inference_service, metadata, probe

Manifest = dict[str, Any]
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
SIZED = {"resources": {"limits": {"memory": "32Gi"}}}
POD = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}


def service(model: Manifest | None = None, **predictor: Any) -> Manifest:
    """Whole together with a whole runtime."""
    said = {"modelFormat": {"name": "vLLM"}, "runtime": "ours", "storageUri": "pvc://a/b", **(model or {})}
    pool = {"nodeSelector": {"substrate.dev/pool": "a100"}}
    own = {"model": said, "securityContext": POD, "terminationGracePeriodSeconds": 60, **pool, **predictor}
    return inference_service(own, annotations={**STANDARD, **GPUS})


def runtime(kind: str = "ServingRuntime", namespace: str = "ml", **fields: Any) -> Manifest:
    spec = {"supportedModelFormats": [{"name": "vLLM"}], "containers": [container(name="kserve-container", **fields)]}
    where = {**metadata("ours"), "namespace": namespace}
    return {"apiVersion": "serving.kserve.io/v1alpha1", "kind": kind, "metadata": where, "spec": spec}


@pytest.mark.parametrize("kind", ["ServingRuntime", "ClusterServingRuntime"])
def test_service_with_a_whole_runtime_passes(kind: str) -> None:
    assert judge(service(), runtime(kind)) == []


MISSING: dict[str, tuple[Manifest, Manifest, str]] = {
    "a context that neither has": (
        service(),
        runtime(securityContext=None),
        "spec.predictor: container kserve-container has no allowPrivilegeEscalation: false",
    ),
    "shared memory for the runtime's arguments": (
        service(),
        runtime(args=["--tensor-parallel-size=2"]),
        "container kserve-container splits layers over 2 GPUs",
    ),
    "GPUs of which each says another number": (
        service({"resources": {"requests": {"nvidia.com/gpu": "2"}}}),
        runtime(resources={"limits": {"nvidia.com/gpu": "1"}}),
        "requests and limits of nvidia.com/gpu differ",
    ),
    "a probe of the runtime's for the service's budget": (
        service(annotations={**TOLD, "substrate.dev/cold-start-budget": "2h"}),
        runtime("ClusterServingRuntime", startupProbe=probe(periodSeconds=10, failureThreshold=60)),
        "gives up after 600 s, and the load may take 7200 s",
    ),
    "grace for the service's arguments and the runtime's hook": (
        service({"args": ["--shutdown-timeout=30"]}),
        runtime(lifecycle={"preStop": {"sleep": {"seconds": 30}}}),
        "drain and exit take 65",
    ),
}


@pytest.mark.parametrize(("one", "other", "found"), MISSING.values(), ids=MISSING.keys())
def test_what_both_lack_together_is_refused_once_at_the_service(one: Manifest, other: Manifest, found: str) -> None:
    told = [text for text in topic("restricted", "pods", "probes").violations(one, other) if found in text]

    assert len(told) == 1 and "InferenceService ml/llama: " in told[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (service(), {**runtime(), "spec": {**runtime()["spec"], "hostIPC": True}}),
        (service({"securityContext": {"privileged": True}}), runtime()),
        (service({"args": ["--trust-remote-code"]}), runtime()),
        (service(), runtime(args=["--trust-remote-code"])),
    ],
)
def test_what_one_of_them_shows_alone_is_told_there_and_not_twice(one: Manifest, other: Manifest) -> None:
    assert only(one, other)


@pytest.mark.parametrize(
    "stack",
    [
        [service(SIZED)],
        [service(SIZED), runtime(namespace="other", securityContext=None)],
        [service({"runtime": "vendors", **SIZED}), runtime(securityContext=None)],
    ],
)
def test_runtime_that_is_not_in_the_stack_is_not_guessed(stack: list[Manifest]) -> None:
    assert judge(*stack) == []
