"""Finds the pods that an object makes, whatever its kind, and reads their containers. Imports this package.

A pod is any mapping with a list of containers in it: Deployments, CronJobs, custom resources such as LeaderWorkerSet or
RayCluster alike. KServe's InferenceService also writes a container as `model` in place of a list. What a controller
adds to the pods that an object describes is said in `makers`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from policies.resources.makers import KSERVE_GROUP as KSERVE_GROUP
from policies.resources.makers import Field, filled_in, follows, routes
from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, Unknown, mapping, mappings, sequence, text

CONTAINER_LISTS = {
    "containers": "container",
    "initContainers": "init container",
    "ephemeralContainers": "ephemeral container",
}
# KServe's older way to name the server: the framework's name as the key of a container.
KSERVE_FRAMEWORKS = (
    "sklearn",
    "xgboost",
    "lightgbm",
    "pmml",
    "paddle",
    "tensorflow",
    "pytorch",
    "onnx",
    "triton",
    "huggingface",
)
KSERVE_CONTAINERS = ("model", *KSERVE_FRAMEWORKS)
_KSERVE_CONTAINER_FIELDS = frozenset({"modelFormat", "runtime", "storageUri", "image", "args", "volumeMounts"})
# Pods of a part of KServe's, which has their labels.
_KSERVE_PODS = ("template", "worker", "workerSpec")
# Never a pod inside, and large or secret (schemas, files, status), or alike: ModelMesh's `model` is no container.
_NOT_SEARCHED = frozenset({"ConfigMap", "CustomResourceDefinition", "TrainedModel"})
_NOT_ENTERED = frozenset({"metadata", "status", "data"})
# Where an unknown value could hide a container; an unknown replica count or host name cannot.
_MAY_HOLD_PODS = re.compile(
    r"(?i)(specs?|templates?|pods?|predictor|transformer|explainer|workers?|leader|prefill|items)$"
)


@dataclass(frozen=True)
class Container:
    """A container of a pod; `role` is the word for messages, `body` its manifest."""

    role: str
    name: str
    body: Object = field(repr=False)

    def __str__(self) -> str:
        return f"{self.role} {self.name}"

    @property
    def image(self) -> str | None:
        return text(self.body.get("image"))

    @cached_property
    def parts(self) -> list[str]:
        """Command and arguments as they are written."""
        return [text(part) or "" for key in ("command", "args") for part in sequence(self.body.get(key))]

    @cached_property
    def words(self) -> list[str]:
        """Command and arguments as words, a shell's script split as the shell would."""
        return words_of(self.parts)

    @property
    def environment(self) -> dict[str, str | None]:
        """Variables by name; None for a value that comes from elsewhere or is not known yet."""
        found = {}
        for entry in mappings(self.body.get("env")):
            value = entry.get("value")
            found[text(entry.get("name")) or ""] = value if isinstance(value, str) else None
        return found

    @property
    def mounts(self) -> list[Object]:
        return mappings(self.body.get("volumeMounts"))


@dataclass(frozen=True)
class Pod:
    """A pod spec, where it stands in the object, and the labels and annotations of its template.

    `filled` is what its controller may set where the object does not. `follows`: it answers no requests itself, another
    of its group does. `routes`: it stands before the models and holds none.
    """

    path: str
    spec: Object = field(repr=False)
    metadata: Object = field(repr=False)
    containers: tuple[Container, ...] = field(repr=False, default=())
    shared: Object = field(repr=False, default_factory=dict)  # metadata of the object that reaches its pods too
    filled: frozenset[Field] = frozenset()
    follows: bool = False
    routes: bool = False

    @property
    def labels(self) -> Object:
        return {**mapping(self.shared.get("labels")), **mapping(self.metadata.get("labels"))}

    @property
    def annotations(self) -> Object:
        return {**mapping(self.shared.get("annotations")), **mapping(self.metadata.get("annotations"))}

    @property
    def whole(self) -> bool:
        """Whether all that will be in the pod stands in the object."""
        return not self.filled

    def leaves_out(self, name: Field, value: object) -> bool:
        """Whether `value`, which the object has for a field, is missing, and nobody else sets it."""
        return value is None and name not in self.filled

    @property
    def volumes(self) -> list[Object]:
        return mappings(self.spec.get("volumes"))


Labelled = KubernetesObject | Pod


def labelled(obj: KubernetesObject, pods: Sequence[Pod]) -> list[Labelled]:
    """Whatever of an object carries labels and annotations: itself and its pod templates."""
    return [obj, *pods]


def pods_of(obj: KubernetesObject) -> list[Pod]:
    """Every pod spec in the object. Raises UnknownValueError where a part that may hold one is not known."""
    if obj.kind in _NOT_SEARCHED:
        return []
    own = mapping(obj.body.get("metadata")) if obj.kind == "Pod" else {}
    return [_made(obj, pod) for pod in _search(obj.body, "", own, obj.group == KSERVE_GROUP)]


def _made(obj: KubernetesObject, pod: Pod) -> Pod:
    """The pod with what its controller does to it. KServe's passes an InferenceService's own labels on."""
    shared = obj.group == KSERVE_GROUP and obj.kind == "InferenceService"
    return replace(
        pod,
        shared=mapping(obj.body.get("metadata")) if shared else {},
        filled=filled_in(obj, pod.path.endswith(".workerSpec") or _names_a_format(pod.spec)),
        follows=follows(obj, pod.path),
        routes=routes(obj, pod.path),
    )


def _names_a_format(spec: Object) -> bool:
    return any(spec.get(key) is not None for key in KSERVE_CONTAINERS)


def _search(value: Object, path: str, metadata: Object, kserve: bool) -> Iterator[Pod]:
    containers = tuple(_containers(value, kserve))
    metadata = metadata or {key: value[key] for key in ("labels", "annotations") if kserve and key in value}
    if containers:
        yield Pod(path, value, metadata, containers)
    for key, child in value.items():
        if key in _NOT_ENTERED or key in CONTAINER_LISTS:
            continue
        if isinstance(child, Unknown) and not containers and _MAY_HOLD_PODS.search(key):
            raise child.error
        beneath = f"{path}.{key}".lstrip(".")
        if isinstance(child, dict):
            inherited = _inherited(value, key, metadata, kserve)
            yield from _search(child, beneath, inherited if isinstance(inherited, dict) else {}, kserve)
        elif isinstance(child, list):
            for index, item in enumerate(child):
                if isinstance(item, dict):
                    yield from _search(item, f"{beneath}[{index}]", {}, kserve)


def _inherited(value: Object, key: str, metadata: Object, kserve: bool) -> Any:
    """A template's metadata stands beside its spec; KServe writes no templates but labels beside specs."""
    if kserve:
        return metadata if key in _KSERVE_PODS else None
    return value.get("metadata") if key == "spec" else None


def _containers(value: Object, kserve: bool) -> Iterator[Container]:
    for key, role in CONTAINER_LISTS.items():
        listed = value.get(key)
        if isinstance(listed, Unknown):
            raise listed.error
        if isinstance(listed, list) and all(isinstance(item, dict) for item in listed):
            for index, body in enumerate(listed):
                yield Container(role, _name(body, f"[{index}]"), body)
    for key in KSERVE_CONTAINERS if kserve else ():
        body = value.get(key)
        if isinstance(body, dict) and body.keys() & _KSERVE_CONTAINER_FIELDS:
            yield Container("container", _name(body, key), body)


def _name(body: Object, otherwise: str) -> str:
    name = body.get("name")
    return name if isinstance(name, str) else otherwise


def words_of(parts: Sequence[Any]) -> list[str]:
    """Arguments as words, a shell's script split as the shell would. Raises UnknownValueError."""
    return [word for part in parts for word in _split(text(part) or "")]


def _split(part: str) -> list[str]:
    """The words of one argument: more than one only where it is a script. `;`, `&&` and `|` are words of their own."""
    if not any(mark in part for mark in " \t\n;&|"):
        return [part]
    lexer = shlex.shlex(part.replace("\n", " ; "), posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # an unbalanced quote: the words as they are
        return part.split()
