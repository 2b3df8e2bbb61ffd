"""Which models are hot, and how few replicas each may have. Imports `objects`, `pods` and the settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policies.resources.objects import KubernetesObject
from policies.resources.plain import text, whole
from policies.resources.pods import Labelled, Pod, labelled
from policies.resources.workloads import DOMAIN
from policies.settings import Settings

TIER, HOT, LONG_TAIL = f"{DOMAIN}/tier", "hot", "longTail"
MIN_REPLICAS = f"{DOMAIN}/min-replicas"
NAME_LABELS = (f"{DOMAIN}/model", "app.kubernetes.io/name")


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


def hot(obj: KubernetesObject, pods: Sequence[Pod], settings: Settings) -> Hot | None:
    """Whether the object says itself that it is hot, or the pack's hotModels name it."""
    holders = labelled(obj, pods)
    for holder in holders:
        for values, word in ((holder.labels, "label"), (holder.annotations, "annotation")):
            if text(values.get(TIER)) == HOT:
                return Hot(f"{word} {TIER}: {HOT}", floor_of(holders, settings))
    named = sorted(_names(obj, holders) & settings.hot_models) if settings.hot_models else []
    return Hot(f"hotModels names {named[0]}", floor_of(holders, settings)) if named else None


def _names(obj: KubernetesObject, holders: Iterable[Labelled]) -> set[str]:
    """What a model may be called here. Raises UnknownValueError."""
    labels = (text(holder.labels.get(label)) for holder in holders for label in NAME_LABELS)
    return {name for name in (obj.name, *labels) if name}


def floor_of(holders: Iterable[Labelled], settings: Settings) -> Floor:
    """The highest of the pack's setting and the annotations of the object and its pods."""
    floors = [Floor(settings.hot_min_replicas, "hotMinReplicas of the policy pack")]
    for holder in holders:
        annotated = whole(holder.annotations.get(MIN_REPLICAS))
        if annotated is not None:
            floors.append(Floor(annotated, f"annotation {MIN_REPLICAS}"))
    return highest(floors)


def highest(floors: Iterable[Floor]) -> Floor:
    """The first of the highest floors."""
    return max(floors, key=lambda floor: floor.replicas)
