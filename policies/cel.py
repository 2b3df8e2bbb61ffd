"""The part of a rule that the API server itself can judge: validations in CEL, beside the rule's function.

A validation sees the object as the server stores it: an HPA of autoscaling/v1 comes as v2, and fields that were left
out hold the server's defaults. Imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """What a validation matches; `*` as in a ValidatingAdmissionPolicy."""

    group: str
    resource: str
    kind: str  # "" where any kind of the group is meant
    version: str = "v1"


DEPLOYMENT = Resource("apps", "deployments", "Deployment")
STATEFUL_SET = Resource("apps", "statefulsets", "StatefulSet")
HPA = Resource("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "v2")
SCALED_OBJECT = Resource("keda.sh", "scaledobjects", "ScaledObject", "*")
SCALED_JOB = Resource("keda.sh", "scaledjobs", "ScaledJob", "*")
KNATIVE = Resource("serving.knative.dev", "services", "Service")
INFERENCE_SERVICE = Resource("serving.kserve.io", "inferenceservices", "InferenceService", "*")
# Whatever of Kubernetes' own holds a pod. Custom resources are not here: the pods that they make are.
WITH_PODS = (
    Resource("", "pods", "Pod"),
    Resource("", "replicationcontrollers", "ReplicationController"),
    DEPLOYMENT,
    STATEFUL_SET,
    Resource("apps", "daemonsets", "DaemonSet"),
    Resource("apps", "replicasets", "ReplicaSet"),
    Resource("batch", "jobs", "Job"),
    Resource("batch", "cronjobs", "CronJob"),
)
# Those whose pods are asked something: a batch job's are not.
ANSWERING = tuple(one for one in WITH_PODS if one.group != "batch")


@dataclass(frozen=True)
class Validation:
    """One expression over some resources.

    `holds` is CEL, true for an object without the flaw; it may use `object` and the VARIABLES of policies/admission.py
    as `variables.<name>`. `found` and `fix` are a Flaw's, without the value: what is wrong, one concrete change.
    """

    resources: tuple[Resource, ...]
    holds: str
    found: str
    fix: str


def quoted(text: str) -> str:
    """A string of CEL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def listed(texts: Iterable[str]) -> str:
    """A list of strings of CEL."""
    return f"[{', '.join(map(quoted, texts))}]"


def of_models(holds: str) -> str:
    """For a model's pods only."""
    return f"!variables.servesModel || ({holds})"


def each_container(holds: str) -> str:
    """For every `container` of a model's pods, init and ephemeral ones too."""
    return of_models(f"variables.containers.all(container, {holds})")


def says(key: str, value: str) -> str:
    """Whether a label or annotation of the object, or of its pods' template, says so."""
    holders = ("labels", "annotations", "podLabels", "podAnnotations")
    said = (f"variables.{holder}[?{quoted(key)}].orValue('') == {quoted(value)}" for holder in holders)
    return f"({' || '.join(said)})"
