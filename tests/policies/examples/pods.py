"""What pods say of themselves. Imports the manifests' builders."""

from __future__ import annotations

from typing import Any

from tests.policies.examples.example import Example
from tests.policies.written import claim_volume, container, metadata, mount, template, workload

GPU = "nvidia.com/gpu"
SHARED = {"name": "shared", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}


def split(**fields: Any) -> dict[str, Any]:
    """vLLM over two GPUs."""
    held = {"memory": "32Gi", GPU: "2", "ephemeral-storage": "4Gi"}
    engine = container(
        args=["--model=/models/a", "--tensor-parallel-size=2"],
        resources={"requests": {"cpu": "4", **held}, "limits": held},
        volumeMounts=[mount(readOnly=True), *([mount("/dev/shm", "shared")] if fields else [])],
    )
    return workload(pod=template(engine, volumes=[claim_volume(), *([fields["volume"]] if fields else [])]))


def open_root(value: bool) -> dict[str, Any]:
    strict = container()["securityContext"]
    return workload(pod=template(container(securityContext={**strict, "readOnlyRootFilesystem": value})))


ACCOUNT = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": metadata("engine"),
    "automountServiceAccountToken": False,
}

EXAMPLES = {
    "service-account-token": Example(
        (workload(pod=template(container(), automountServiceAccountToken=None, serviceAccountName="engine")),),
        "spec.template.spec.automountServiceAccountToken is not set, which means true",
        (
            ACCOUNT,
            workload(pod=template(container(), automountServiceAccountToken=None, serviceAccountName="engine")),
        ),
    ),
    "service-links": Example(
        (workload(pod=template(container(), enableServiceLinks=None)),),
        "spec.template.spec.enableServiceLinks is not set, which means true",
        (workload(),),
    ),
    "gpu-resources": Example(
        (workload(pod=template(container(resources={"limits": {GPU: "1", "cpu": "4", "ephemeral-storage": "4Gi"}}))),),
        f"resources of container engine, which asks for {GPU}: no limit for memory",
        (workload(),),
    ),
    "shared-memory": Example(
        (split(),),
        "container engine splits layers over 2 GPUs and has nothing at /dev/shm",
        (split(volume=SHARED),),
    ),
    "writable-root": Example(
        (open_root(False),),
        "container engine of spec.template.spec can write to its image's file system",
        (open_root(True),),
    ),
}
