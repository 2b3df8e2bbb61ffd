"""After an update: waits until KServe's Deployments run what the stack's services say. Drives kubectl only.

Pulumi waits for a service's condition Ready, which may be one from before the update: KServe's `observedGeneration` is
that of a Deployment, and no other field of its status says of which spec it speaks (docs/decisions/kserve.md).
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.console import Failure

API = "kubernetes:serving.kserve.io/"
SERVICE, LLM_SERVICE = "InferenceService", "LLMInferenceService"
MODE = "serving.kserve.io/deploymentMode"
AWAITED = "pulumi.com/waitFor"
OURS = "substrate.dev/"
EVERY_SECONDS = 1.0
# Of what a scaler moves the service says no number; one that may be at zero is not waited for.
SCALED = 1
# The controller takes a change within seconds; a pod that does not come up is its Deployment's to judge.
TAKEN_WITHIN_SECONDS = 120.0


@dataclass(frozen=True)
class Wanted:
    """The pods of one part of a service: by which annotations they are known, and how many there shall be."""

    namespace: str
    kind: str
    service: str
    annotations: Mapping[str, str]
    replicas: int

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.service}"


def wanted(resources: Iterable[Mapping[str, Any]]) -> list[Wanted]:
    """What the services of a stack's resources ask for, as far as its update waits for them.

    Not in Knative mode, where no Deployment is KServe's own.
    """
    return [one for each in resources if of_kserve(each) for one in wanted_of(each["inputs"])]


def of_kserve(resource: Mapping[str, Any]) -> bool:
    return str(resource["type"]).startswith(API) and not resource.get("delete")


def wanted_of(service: Mapping[str, Any]) -> Iterator[Wanted]:
    """One for each part; nothing of what is no service, or not waited for."""
    kind, metadata, spec = service["kind"], service["metadata"], service["spec"]
    annotations = metadata.get("annotations", {})
    if AWAITED not in annotations:
        return
    named = (metadata["namespace"], kind, metadata["name"])
    if kind == LLM_SERVICE:
        yield Wanted(*named, ours(spec["annotations"]), spec.get("replicas", SCALED))
    if kind == SERVICE and annotations[MODE] == "Standard":
        for part in spec.values():
            yield Wanted(*named, ours({**annotations, **part["annotations"]}), part.get("minReplicas", SCALED))


def ours(annotations: Mapping[str, str]) -> dict[str, str]:
    """Those that reach the pods whatever KServe is told to leave out; Pulumi's own does too, and starts them anew."""
    return {key: value for key, value in annotations.items() if key.startswith(OURS) or key == AWAITED}


def missing(one: Wanted, deployments: Sequence[Mapping[str, Any]]) -> str | None:
    """What is still to come of the pods that are wanted; None once they are there and no others are.

    Raises Failure where their Deployment has given up.
    """
    deployment = next((each for each in deployments if is_of(each, one)), None)
    if deployment is None:
        return "KServe's controller has not taken the change"
    status, replicas = deployment.get("status", {}), deployment["spec"]["replicas"]
    for condition in status.get("conditions", []):
        if condition["type"] == "Progressing" and condition["status"] == "False":
            raise Failure(f"{one} does not come up: {condition['message']}")
    if replicas < one.replicas:  # a scaler may ask for more
        return f"{replicas} pods are asked for, not {one.replicas}"
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "the change has not reached the pods"
    there, updated, available = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    if there == updated == available == replicas:
        return None
    return f"{updated} of {replicas} pods are new, {available} of all answer"


def is_of(deployment: Mapping[str, Any], one: Wanted) -> bool:
    """Whether it makes those pods: a Deployment of that service, and of that revision."""
    owners = [(owner["kind"], owner["name"]) for owner in deployment["metadata"].get("ownerReferences", [])]
    annotations = deployment["spec"]["template"]["metadata"].get("annotations", {})
    return (one.kind, one.service) in owners and one.annotations.items() <= annotations.items()


def deployments(namespace: str) -> list[dict[str, Any]]:
    command = ["kubectl", "get", "deployments.apps", "--namespace", namespace, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(command)} failed:\n{done.stderr}".rstrip())
    items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return items


def wait(resources: Iterable[Mapping[str, Any]]) -> None:
    """Until nothing is missing. Raises Failure where a Deployment gives up, or KServe's controller does nothing."""
    for one in wanted(resources):
        deadline = time.monotonic() + TAKEN_WITHIN_SECONDS
        while what := missing(one, found := deployments(one.namespace)):
            taken = any(is_of(each, one) for each in found)
            if not taken and time.monotonic() > deadline:
                raise Failure(f"{one}: {what} in {TAKEN_WITHIN_SECONDS:.0f} s: does its controller run?")
            time.sleep(EVERY_SECONDS)
