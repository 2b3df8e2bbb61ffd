"""Which pods a selector finds, whoever makes them, and what is behind a Service. Imports `plain`, `pods` and `subject`.

KServe and Knative put labels of their own on the pods that they make, which authors of Services and policies use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, UnknownValueError, dig, mapping, mappings, text
from policies.resources.pods import KSERVE_GROUP, Pod
from policies.resources.replicas import KSERVE_COMPONENTS
from policies.resources.selecting import selects
from policies.resources.subject import Subject

KNATIVE_GROUP = "serving.knative.dev"


@dataclass(frozen=True)
class Labelled:
    """Pods of a workload under the labels that they get."""

    workload: Subject
    labels: dict[str, str | None]
    pod: Pod | None = None  # None where the labels do not hang on one spec


class PodsByLabel:
    """Every workload's pods of a stack, found by selector: by its rarest label first, so that many cost little."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._by_label: dict[tuple[str, str, str | None], list[Labelled]] = defaultdict(list)
        self._in_namespace: dict[str, list[Labelled]] = defaultdict(list)
        self._unread: list[UnknownValueError] = []
        for subject in subjects:
            self._place(subject)

    def _place(self, subject: Subject) -> None:
        try:
            for one in labelled_pods(subject):
                self._in_namespace[subject.obj.namespace].append(one)
                for key, value in one.labels.items():
                    self._by_label[subject.obj.namespace, key, value].append(one)
        except UnknownValueError as error:
            self._unread.append(error)

    def selected(self, namespace: str, selector: Object) -> list[Labelled]:
        """The pods that a label selector (matchLabels, matchExpressions; empty: all) finds. Raises UnknownValueError
        where it finds none and some labels are not known yet."""
        wanted = {key: text(value) for key, value in mapping(selector.get("matchLabels")).items()}
        candidates = min(
            (self._by_label.get((namespace, *item), []) for item in wanted.items()),
            key=len,
            default=self._in_namespace.get(namespace, []),
        )
        found = [one for one in candidates if selects(selector, one.labels)]
        if not found and self._unread:
            raise self._unread[0]
        return found


def labelled_pods(subject: Subject) -> Iterator[Labelled]:
    """The labels that a workload's pods get, its own and those of whoever makes them. Raises UnknownValueError."""
    obj = subject.obj
    if obj.group == KSERVE_GROUP and obj.kind == "InferenceService":
        yield from _of_kserve(subject)
    for pod in subject.pods:
        yield Labelled(subject, {**_texts(pod.labels), **_made_by(obj)}, pod)


def _of_kserve(subject: Subject) -> Iterator[Labelled]:
    obj = subject.obj
    for part in KSERVE_COMPONENTS:
        written = mapping(obj.spec.get(part))
        if part in obj.spec:
            own = {
                "serving.kserve.io/inferenceservice": obj.name,
                "component": part,
                "app": f"isvc.{obj.name}-{part}",
            }
            labels = {**_texts(obj.labels), **_texts(mapping(written.get("labels"))), **own}
            pod = next((one for one in subject.pods if one.path.startswith(f"spec.{part}")), None)
            yield Labelled(subject, labels, pod)


def _made_by(obj: KubernetesObject) -> dict[str, str | None]:
    if obj.group == KNATIVE_GROUP and obj.kind == "Service":
        return {f"{KNATIVE_GROUP}/service": obj.name}
    if obj.group == KSERVE_GROUP and obj.kind == "LLMInferenceService":
        made = {"app.kubernetes.io/name": obj.name, "app.kubernetes.io/part-of": "llminferenceservice"}
        return {**_texts(mapping(dig(obj.body, "spec", "labels"))), **made}
    return {}


def _texts(labels: Object) -> dict[str, str | None]:
    return {key: text(value) for key, value in labels.items()}


def port_numbers(port: Object, behind: Iterable[Labelled]) -> set[int]:
    """The numbers of one of a Service's ports: its own, and that of the pods, by name where it is a name."""
    target = port.get("targetPort")
    named = text(target)
    numbers = {_number(port.get("port")), _number(target)}
    if named and not named.isdecimal():
        numbers |= {_number(one.get("containerPort")) for pod in behind for one in _ports(pod) if _is(one, named)}
    return {number for number in numbers if number is not None}


def _ports(found: Labelled) -> list[Object]:
    containers = found.pod.containers if found.pod else ()
    return [port for container in containers for port in mappings(container.body.get("ports"))]


def _is(port: Object, name: str) -> bool:
    return text(port.get("name")) == name


def _number(value: Any) -> int | None:
    written = text(value)
    return int(written) if written and written.isdecimal() else None
