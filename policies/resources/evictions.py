"""Which PodDisruptionBudgets watch over which pods of a stack. Imports this package.

Found by one label of each selector, so that a thousand models do not ask a thousand budgets each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, Unknown, mapping, text
from policies.resources.running import Running
from policies.resources.selecting import selects
from policies.resources.subject import Subject

BUDGET = "PodDisruptionBudget"
# A namespace, a label and its value, None where that is not known; both empty for a selector without matchLabels.
Mark = tuple[str, str, str | None]


@dataclass(frozen=True)
class Watched:
    """Pods of a workload that a budget's selector matches."""

    workload: Subject
    running: Running


class Evictions:
    """All budgets and all pods of a stack. Raises UnknownValueError where a selector or a label is not known."""

    def __init__(self, runs: Iterable[tuple[Subject, list[Running]]], subjects: Iterable[Subject]) -> None:
        self._pods: dict[Mark, list[Watched]] = defaultdict(list)
        self._budgets: dict[Mark, list[Subject]] = defaultdict(list)
        for subject, running in runs:
            for one in running:
                for mark in _marks(subject.obj.namespace, one.labels) if one.labels is not None else ():
                    self._pods[mark].append(Watched(subject, one))
        for subject in subjects:
            for mark in _either(_mark(subject.obj)) if is_budget(subject.obj) else ():
                self._budgets[mark].append(subject)

    def budgets_over(self, workload: Subject, running: Running) -> list[Subject]:
        """The budgets whose selector matches these pods."""
        labels = running.labels or {}
        near = (budget for mark in _marks(workload.obj.namespace, labels) for budget in self._budgets.get(mark, ()))
        return [budget for budget in near if selects(selector_of(budget.obj), labels)]

    def watched_by(self, budget: Subject) -> list[Watched]:
        """The pods that a budget's selector matches."""
        near = (one for mark in _either(_mark(budget.obj)) for one in self._pods.get(mark, ()))
        return [one for one in near if selects(selector_of(budget.obj), one.running.labels or {})]


def is_budget(obj: KubernetesObject) -> bool:
    return obj.kind == BUDGET and obj.group == "policy"


def selector_of(obj: KubernetesObject) -> Any:
    """The budget's selector; the empty one of v1beta1 matches nothing, as a missing one does."""
    selector = obj.spec.get("selector")
    return None if obj.api_version == "policy/v1beta1" and not mapping(selector) else selector


def _mark(obj: KubernetesObject) -> Mark:
    """One label that every pod of the selector has, if it names one."""
    wanted = mapping(mapping(selector_of(obj)).get("matchLabels"))
    key = min(wanted, default="")
    return obj.namespace, key, (text(wanted[key]) or "") if key else ""


def _either(mark: Mark) -> list[Mark]:
    """The mark, and that of a pod whose value of the label is not known: matching it raises."""
    namespace, key, _ = mark
    return [mark, (namespace, key, None)] if key else [mark]


def _marks(namespace: str, labels: Object) -> list[Mark]:
    values = {key: None if isinstance(value, Unknown) else text(value) or "" for key, value in labels.items()}
    return [(namespace, "", ""), *((namespace, key, value) for key, value in values.items())]
