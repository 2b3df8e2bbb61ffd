"""All objects of a stack, and how they hang together: scalers by scaleTargetRef, others by kind and namespace.

Imports this package.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from policies.resources.evictions import Evictions
from policies.resources.plain import Object, UnknownValueError, mapping
from policies.resources.pools import Pool, pools_of
from policies.resources.replicas import least_of_scaler
from policies.resources.running import Running, part_of, running
from policies.resources.runtimes import runtime_named
from policies.resources.scalers import Target, is_scaler, target_of, targets_made_by
from policies.resources.services import Labelled, PodsByLabel
from policies.resources.subject import Subject


class Stack:
    """What an object is judged among."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self.subjects = tuple(subjects)
        self._by_target: dict[Target, list[Subject]] = defaultdict(list)
        self._scalers: dict[Target, list[Subject]] = defaultdict(list)
        self._by_kind: dict[str, list[Subject]] = defaultdict(list)
        self._by_kind_in: dict[tuple[str, str], list[Subject]] = defaultdict(list)
        self._in_namespace: dict[str, list[Subject]] = defaultdict(list)
        self._by_name: dict[tuple[str, str, str], list[Subject]] = defaultdict(list)
        self._unplaced: list[UnknownValueError] = []
        for subject in self.subjects:
            self._place(subject)

    def _place(self, subject: Subject) -> None:
        try:
            namespace = subject.obj.namespace
            self._by_kind[subject.obj.kind].append(subject)
            self._by_kind_in[subject.obj.kind, namespace].append(subject)
            self._in_namespace[namespace].append(subject)
            if name := subject.obj.name:
                self._by_name[subject.obj.kind, namespace, name].append(subject)
            if not is_scaler(subject.obj):
                for target in targets_made_by(subject.obj):
                    self._by_target[target].append(subject)
            elif driven := target_of(subject.obj):
                self._scalers[driven].append(subject)
        except UnknownValueError as error:
            self._unplaced.append(error)

    def beside(self, subject: Subject, kind: str) -> list[Subject]:
        """The objects of a kind in the same namespace. Raises UnknownValueError where one may yet be there."""
        return self.of_kind_in(kind, subject.obj.namespace)

    def runtime_of(self, subject: Subject) -> Subject | None:
        """The runtime of this stack that an InferenceService names. KServe looks in the namespace first."""
        name = runtime_named(subject.obj)
        if name is None:
            return None
        near = self._by_kind_in.get(("ServingRuntime", subject.obj.namespace), [])
        return next((one for one in (*near, *self.all_of("ClusterServingRuntime")) if one.obj.name == name), None)

    def within(self, namespace: str) -> list[Subject]:
        """Everything in a namespace. Raises as `beside`."""
        return self._unless_unplaced(self._in_namespace.get(namespace, []))

    def of_kind_in(self, kind: str, namespace: str) -> list[Subject]:
        """The objects of a kind in a namespace. Raises as `beside`."""
        return self._unless_unplaced(self._by_kind_in.get((kind, namespace), []))

    def named(self, kind: str, namespace: str, name: str) -> list[Subject]:
        """The objects of a kind by their name. Raises as `beside`."""
        return self._unless_unplaced(self._by_name.get((kind, namespace, name), []))

    def behind(self, service: Subject) -> list[Labelled]:
        """The pods that a Service sends to; none where it has no selector. Raises as `beside`."""
        selector = mapping(service.obj.spec.get("selector"))
        return self.selected(service.obj.namespace, {"matchLabels": selector}) if selector else []

    def selected(self, namespace: str, selector: Object) -> list[Labelled]:
        """The pods in a namespace that a label selector finds. Raises as `beside`."""
        return self._pods.selected(namespace, selector)

    @cached_property
    def _pods(self) -> PodsByLabel:
        return PodsByLabel(self.subjects)

    def workloads_of(self, scaler: Subject) -> list[Subject]:
        """The objects of this stack that a scaler drives. Raises UnknownValueError where a name may yet match."""
        target = target_of(scaler.obj)
        return self._unless_unplaced(self._by_target.get(target, [])) if target else []

    def scalers_of(self, workload: Subject) -> list[Subject]:
        """The scalers of this stack that drive a workload. Raises as `workloads_of`."""
        targets = targets_made_by(workload.obj)
        return self._unless_unplaced([one for target in targets for one in self._scalers.get(target, [])])

    def scalers_beside(self, scaler: Subject) -> list[Subject]:
        """All scalers of the same target, the scaler itself too, by name: the engine hands them over in any order."""
        target = target_of(scaler.obj)
        found = self._scalers.get(target, []) if target else []
        return sorted(found, key=lambda one: (one.obj.name or "", one.obj.kind))

    def all_of(self, kind: str) -> list[Subject]:
        """The objects of a kind in any namespace."""
        return self._by_kind.get(kind, [])

    def running(self, workload: Subject) -> list[Running]:
        """The pods that always run of a workload, as many as a scaler of it keeps. Raises as `workloads_of`."""
        targets = targets_made_by(workload.obj) if workload.pods else []
        scaled: dict[str, int] = {}
        for target in targets:
            for scaler in self._unless_unplaced(self._scalers.get(target, [])):
                part = part_of(workload.obj, target)
                scaled[part] = max(scaled.get(part, 0), least_of_scaler(scaler.obj))
        return running(workload.obj, workload.pods, scaled)

    @cached_property
    def _running(self) -> list[tuple[Subject, list[Running]]]:
        return [(subject, self.running(subject)) for subject in self.subjects]

    @cached_property
    def pools(self) -> dict[str, Pool]:
        """The pools of GPUs that workloads of the stack say they are in, by name."""
        return pools_of(self._running)

    @cached_property
    def evictions(self) -> Evictions:
        """Which disruption budgets of the stack watch over which pods."""
        return Evictions(self._running, self.subjects)

    def _unless_unplaced(self, found: list[Subject]) -> list[Subject]:
        if not found and self._unplaced:
            raise self._unplaced[0]
        return found
