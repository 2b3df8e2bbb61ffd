"""What only the whole stack shows: a scaler and the workload it drives, two resources. Imports the rules.

What the scaler or the workload shows on its own is left to the rules of single resources, which come earlier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from pulumi_policy.proxy import UnknownValueError

from policies import autoscaling, hot_models
from policies.hot_models import Hot, highest
from policies.objects import KubernetesObject
from policies.options import Options
from policies.pods import pods_of
from policies.scalers import Target, is_scaler, target_of, targets_made_by
from policies.violations import Violation
from policies.workloads import Evidence, evidence

# A check is not run before its turn, so that one with an unknown value does not take the others with it.
Check = Callable[[], Iterable[Violation]]


class Stack:
    """All objects of a stack, joined by scaleTargetRef."""

    def __init__(self, objects: Iterable[KubernetesObject], options: Options) -> None:
        self.objects = tuple(objects)
        self.options = options
        self._by_target: dict[Target, list[KubernetesObject]] = defaultdict(list)
        self._scaled: set[Target] = set()
        self._unplaced: list[UnknownValueError] = []
        for obj in self.objects:
            self._place(obj)

    def _place(self, obj: KubernetesObject) -> None:
        try:
            if not is_scaler(obj):
                for target in targets_made_by(obj):
                    self._by_target[target].append(obj)
            elif driven := target_of(obj):
                self._scaled.add(driven)
        except UnknownValueError as error:
            self._unplaced.append(error)

    def workloads_of(self, scaler: KubernetesObject) -> list[KubernetesObject]:
        """The objects of this stack that a scaler drives. Raises UnknownValueError where a name may yet match."""
        target = target_of(scaler)
        found = self._by_target.get(target, []) if target else []
        if target and not found and self._unplaced:
            raise self._unplaced[0]
        return found

    def scaled(self, workload: KubernetesObject) -> bool:
        """Whether a scaler of this stack drives the workload. Raises as `workloads_of`."""
        found = not self._scaled.isdisjoint(targets_made_by(workload))
        if not found and self._unplaced:
            raise self._unplaced[0]
        return found


def checks(stack: Stack) -> Iterator[tuple[str, Check]]:
    """(urn, check) for every scaler, and for every workload that a scaler may own."""
    for obj in stack.objects:
        if is_scaler(obj):
            yield obj.urn, partial(_metrics, stack, obj)
            yield obj.urn, partial(_floor_of_scaler, stack, obj)
        elif hot_models.takes_scaler(obj):
            yield obj.urn, partial(_floor_without_scaler, stack, obj)


def _metrics(stack: Stack, scaler: KubernetesObject) -> Iterator[Violation]:
    if autoscaling.host_metrics(scaler) and _served(scaler, stack.options) is None:
        for workload in stack.workloads_of(scaler):
            yield from autoscaling.check(scaler, _served(workload, stack.options), str(workload))


def _floor_of_scaler(stack: Stack, scaler: KubernetesObject) -> Iterator[Violation]:
    own = _hot(scaler, stack.options)
    told = hot_models.below(scaler, own, scaled=None) if own else []
    for workload in stack.workloads_of(scaler) if hot_models.counts(scaler) else []:
        joined = _joined(own, _hot(workload, stack.options), workload)
        for count in hot_models.below(scaler, joined, scaled=None) if joined else []:
            if count not in told:
                yield hot_models.violation(scaler, count, joined)  # type: ignore[arg-type]


def _floor_without_scaler(stack: Stack, workload: KubernetesObject) -> Iterator[Violation]:
    found = _hot(workload, stack.options)
    told = hot_models.below(workload, found, scaled=None) if found else []
    if found and len(hot_models.below(workload, found, scaled=False)) > len(told) and not stack.scaled(workload):
        for count in hot_models.below(workload, found, scaled=False):
            if count not in told:
                yield hot_models.violation(workload, count, found)


def _joined(own: Hot | None, driven: Hot | None, workload: KubernetesObject) -> Hot | None:
    """A scaler of a hot workload is hot too; the higher floor of the two holds."""
    if driven is None:
        return own
    floors = [driven.floor, *([own.floor] if own else [])]
    return Hot(f"{workload} has {driven.why}", highest(floors))


def _served(obj: KubernetesObject, options: Options) -> Evidence | None:
    return evidence(obj, pods_of(obj), options)


def _hot(obj: KubernetesObject, options: Options) -> Hot | None:
    return hot_models.hot(obj, pods_of(obj), options)
