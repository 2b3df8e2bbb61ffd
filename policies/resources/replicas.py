"""Every place in an object that sets how few replicas there may be. Imports this package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, mapping, whole
from policies.resources.pods import KSERVE_GROUP
from policies.resources.scalers import HPA, HTTP_SCALED_OBJECT, SCALED_JOB, SCALED_OBJECT, is_scaler

KEDA_PAUSED = "autoscaling.keda.sh/paused-replicas"
KEDA_MOST = 100  # what KEDA takes where no maximum is written
KNATIVE_FLOORS = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")
KNATIVE_CEILINGS = ("autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale")
KSERVE_SERVICES = ("InferenceService", "LLMInferenceService")
KSERVE_COMPONENTS = ("predictor", "transformer", "explainer")
# Kinds whose own replicas field is the count, unless a scaler takes it over; the API's default is 1.
REPLICATED = frozenset(
    {"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout", "LeaderWorkerSet"}
)


@dataclass(frozen=True)
class Count:
    """A place that sets how few replicas there may be; `default` where it is not set and the API's default holds."""

    path: str
    replicas: int
    default: bool = False

    def __str__(self) -> str:
        return (
            f"{self.path} is not set, which means {self.replicas}"
            if self.default
            else f"{self.path} is {self.replicas}"
        )


def takes_scaler(obj: KubernetesObject) -> bool:
    """Whether another object may own this one's count of replicas."""
    return obj.kind in REPLICATED or (obj.group == KSERVE_GROUP and obj.kind in KSERVE_SERVICES)


def counts(obj: KubernetesObject) -> list[Count]:
    """Every place in the object that sets how few replicas there may be."""
    if obj.kind in REPLICATED:
        return _field(obj, ("spec", "replicas"), default=1)
    if is_scaler(obj):
        return _scaler_counts(obj)
    if obj.group == KSERVE_GROUP:
        return _kserve_counts(obj)
    if obj.group == "serving.knative.dev" and obj.kind == "Service":
        annotations = mapping(dig(obj.body, "spec", "template", "metadata", "annotations"))
        path = "spec.template.metadata.annotations"
        return _annotated(annotations, KNATIVE_FLOORS, path) or [Count(f"{path}[{KNATIVE_FLOORS[0]}]", 0, default=True)]
    return []


def least_of_scaler(obj: KubernetesObject) -> int:
    """The fewest replicas that a scaler keeps of what it drives."""
    return min((count.replicas for count in _scaler_counts(obj)), default=0)


@dataclass(frozen=True)
class Bounds:
    """The two ends between which something scales; `most` is None where there is no upper one."""

    least: Count
    most: Count | None


def bounds(obj: KubernetesObject) -> list[Bounds]:
    """Both ends of every place in the object that has some. A patch may leave one to the live object."""
    if obj.patch:
        return []
    if obj.kind == HPA and is_scaler(obj):
        return _between(obj, ("spec", "minReplicas"), 1, ("spec", "maxReplicas"), None)
    if obj.kind in (SCALED_OBJECT, SCALED_JOB) and is_scaler(obj):
        return _between(obj, ("spec", "minReplicaCount"), 0, ("spec", "maxReplicaCount"), KEDA_MOST)
    if obj.kind == HTTP_SCALED_OBJECT and is_scaler(obj):
        return _between(obj, ("spec", "replicas", "min"), 0, ("spec", "replicas", "max"), KEDA_MOST)
    if obj.group == KSERVE_GROUP:
        return [*_kserve_bounds(obj), *_knative_bounds(obj.annotations, "metadata.annotations")]
    if obj.group == "serving.knative.dev" and obj.kind == "Service":
        path = ("spec", "template", "metadata", "annotations")
        return _knative_bounds(mapping(dig(obj.body, *path)), ".".join(path))
    return []


def _kserve_bounds(obj: KubernetesObject) -> list[Bounds]:
    if obj.kind == "InferenceService":
        # A most of 0 is none, as KServe's webhook reads it.
        found = (
            _between(obj, ("spec", name, "minReplicas"), 1, ("spec", name, "maxReplicas"), None)
            for name in KSERVE_COMPONENTS
            if name in obj.spec and whole(dig(obj.body, "spec", name, "maxReplicas"))
        )
    else:
        parts = (("spec", "scaling"), ("spec", "prefill", "scaling"))
        found = (
            _between(obj, (*part, "minReplicas"), 1, (*part, "maxReplicas"), None)
            for part in parts
            if mapping(dig(obj.body, *part))
        )
    return [one for each in found for one in each]


def _knative_bounds(annotations: Object, path: str) -> list[Bounds]:
    least, most = _annotated(annotations, KNATIVE_FLOORS, path), _annotated(annotations, KNATIVE_CEILINGS, path)
    return [Bounds(least[0], most[0])] if least and most and most[0].replicas else []


def _between(
    obj: KubernetesObject, low: tuple[str, ...], default_low: int, high: tuple[str, ...], default_high: int | None
) -> list[Bounds]:
    least, most = _field(obj, low, default_low), _field(obj, high, default_high)
    return [Bounds(least[0], most[0] if most else None)]


def _scaler_counts(obj: KubernetesObject) -> list[Count]:
    if obj.kind == HPA:
        return _field(obj, ("spec", "minReplicas"), default=1)
    if obj.kind == HTTP_SCALED_OBJECT:
        return _field(obj, ("spec", "replicas", "min"), default=0)
    if obj.kind != SCALED_OBJECT:
        return []
    return [
        *_field(obj, ("spec", "minReplicaCount"), default=0),
        *_field(obj, ("spec", "idleReplicaCount"), default=None),
        *_annotated(obj.annotations, (KEDA_PAUSED,), "metadata.annotations"),
    ]


def _kserve_counts(obj: KubernetesObject) -> list[Count]:
    found = _annotated(obj.annotations, KNATIVE_FLOORS, "metadata.annotations")
    if obj.kind == "InferenceService":
        for name in KSERVE_COMPONENTS:
            if name in obj.spec:
                found += _field(obj, ("spec", name, "minReplicas"), default=1)
    if obj.kind == "LLMInferenceService":
        for part in (("spec",), ("spec", "prefill")):
            if mapping(dig(obj.body, *part)):
                found += _llm_counts(obj, part)
    return found


def _llm_counts(obj: KubernetesObject, part: tuple[str, ...]) -> list[Count]:
    """Fixed replicas, or the floor of `scaling`, which replaces them; KEDA's idle count beside it."""
    if mapping(dig(obj.body, *part, "scaling")):
        idle = _field(obj, (*part, "scaling", "keda", "idleReplicaCount"), default=None)
        return [*_field(obj, (*part, "scaling", "minReplicas"), default=1), *idle]
    return _field(obj, (*part, "replicas"), default=1)


def _field(obj: KubernetesObject, path: tuple[str, ...], default: int | None) -> list[Count]:
    """The field as a count; its default where it is missing, but not in a patch, which leaves missing fields alone."""
    value = whole(dig(obj.body, *path))
    if value is not None:
        return [Count(".".join(path), value)]
    return [] if default is None or obj.patch else [Count(".".join(path), default, default=True)]


def _annotated(annotations: Object, names: Sequence[str], path: str) -> list[Count]:
    read = ((name, whole(annotations.get(name))) for name in names)
    return [Count(f"{path}[{name}]", value) for name, value in read if value is not None]
