"""Rule: a hot model keeps its replicas. Imports `objects`, `pods`, `scalers`.

Every place that can lower the count of replicas is read as a `Count`, and each must reach the floor: the pack's
hotMinReplicas or the workload's annotation substrate.dev/min-replicas, whichever is more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policies.objects import KubernetesObject
from policies.options import Options
from policies.plain import Object, dig, mapping, text, whole
from policies.pods import KSERVE_GROUP, Labelled, Pod, labelled
from policies.scalers import HPA, HTTP_SCALED_OBJECT, SCALED_OBJECT, is_scaler
from policies.violations import Violation
from policies.workloads import DOMAIN

TIER, HOT = f"{DOMAIN}/tier", "hot"
MIN_REPLICAS = f"{DOMAIN}/min-replicas"
NAME_LABELS = (f"{DOMAIN}/model", "app.kubernetes.io/name")
KEDA_PAUSED = "autoscaling.keda.sh/paused-replicas"
KNATIVE_FLOORS = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")
_KSERVE_COMPONENTS = ("predictor", "transformer", "explainer")
# Kinds whose own replicas field is the count, unless a scaler takes it over; the API's default is 1.
REPLICATED = frozenset(
    {"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout", "LeaderWorkerSet"}
)
WHY = (
    "a hot model must answer its first request at once; below its floor that request waits for a whole cold start, "
    "minutes of reading weights, or fails"
)


@dataclass(frozen=True)
class Floor:
    """The fewest replicas, and who says so."""

    replicas: int
    source: str


@dataclass(frozen=True)
class Hot:
    """Why a workload is hot, and its floor."""

    why: str
    floor: Floor


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


def hot(obj: KubernetesObject, pods: Sequence[Pod], options: Options) -> Hot | None:
    """Whether the object says itself that it is hot, or the pack's hotModels name it."""
    holders = labelled(obj, pods)
    for holder in holders:
        for values, word in ((holder.labels, "label"), (holder.annotations, "annotation")):
            if text(values.get(TIER)) == HOT:
                return Hot(f"{word} {TIER}: {HOT}", floor_of(holders, options))
    named = sorted(_names(obj, holders) & options.hot_models) if options.hot_models else []
    return Hot(f"hotModels names {named[0]}", floor_of(holders, options)) if named else None


def _names(obj: KubernetesObject, holders: Iterable[Labelled]) -> set[str]:
    """What a model may be called here. Raises UnknownValueError."""
    labels = (text(holder.labels.get(label)) for holder in holders for label in NAME_LABELS)
    return {name for name in (obj.name, *labels) if name}


def floor_of(holders: Iterable[Labelled], options: Options) -> Floor:
    """The highest of the pack's setting and the annotations of the object and its pods."""
    floors = [Floor(options.hot_min_replicas, "hotMinReplicas of the policy pack")]
    for holder in holders:
        annotated = whole(holder.annotations.get(MIN_REPLICAS))
        if annotated is not None:
            floors.append(Floor(annotated, f"annotation {MIN_REPLICAS}"))
    return highest(floors)


def highest(floors: Iterable[Floor]) -> Floor:
    """The first of the highest floors."""
    return max(floors, key=lambda floor: floor.replicas)


def check(obj: KubernetesObject, found: Hot | None) -> Iterator[Violation]:
    """One violation a count below the floor, as far as the object shows it alone: a default may be a scaler's."""
    if found:
        yield from (violation(obj, count, found) for count in below(obj, found, scaled=None))


def below(obj: KubernetesObject, found: Hot, scaled: bool | None) -> list[Count]:
    """The counts below the floor. `scaled`: whether a scaler owns the replicas, None where that is not known.

    A workload's default is judged only where it is certain that no scaler owns it.
    """
    too_few = (count for count in counts(obj) if count.replicas < found.floor.replicas)
    return [count for count in too_few if not (count.default and takes_scaler(obj) and scaled is not False)]


def takes_scaler(obj: KubernetesObject) -> bool:
    """Whether another object may own this one's count of replicas."""
    return obj.kind in REPLICATED or (obj.group == KSERVE_GROUP and obj.kind == "InferenceService")


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
        for name in _KSERVE_COMPONENTS:
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


def violation(obj: KubernetesObject, count: Count, found: Hot) -> Violation:
    least = f"at least {found.floor.replicas}"
    """What the user is told of one count."""
    told = f"{count}, and a hot model keeps {least} (hot: {found.why}; floor: {found.floor.source})"
    return Violation(str(obj), told, WHY, _fix(obj, count, least))


def _fix(obj: KubernetesObject, count: Count, least: str) -> str:
    if count.path.endswith("idleReplicaCount") or KEDA_PAUSED in count.path:
        return f"remove {count.path}: it goes below the floor"
    alternative = ", or leave it out where a scaler of this stack owns it" if obj.kind in REPLICATED else ""
    return f"set {count.path} to {least}{alternative}; only tier longTail may go to zero"
