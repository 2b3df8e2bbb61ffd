"""Finds the pods that an object makes, whatever its kind, and reads their containers. Imports `plain` and `objects`.

A pod is any mapping with a list of containers in it: Deployments, CronJobs, custom resources such as LeaderWorkerSet or
RayCluster alike. KServe's InferenceService also writes a container as `model` in place of a list.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from policies.objects import KubernetesObject
from policies.plain import Object, Unknown, mapping, mappings, sequence, text

CONTAINER_LISTS = {
    "containers": "container",
    "initContainers": "init container",
    "ephemeralContainers": "ephemeral container",
}
KSERVE_GROUP = "serving.kserve.io"
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
# Never a pod inside, and large or secret: schemas, files, status.
_NOT_SEARCHED = frozenset({"ConfigMap", "CustomResourceDefinition"})
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

    @property
    def words(self) -> list[str]:
        """Command and arguments as words, a shell's script split as the shell would."""
        parts = [*sequence(self.body.get("command")), *sequence(self.body.get("args"))]
        return [word for part in parts for word in _split(text(part) or "")]

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
    """A pod spec, where it stands in the object, and the labels and annotations of its template."""

    path: str
    spec: Object = field(repr=False)
    metadata: Object = field(repr=False)
    containers: tuple[Container, ...] = field(repr=False, default=())

    @property
    def labels(self) -> Object:
        return mapping(self.metadata.get("labels"))

    @property
    def annotations(self) -> Object:
        return mapping(self.metadata.get("annotations"))

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
    return list(_search(obj.body, "", own, obj.group == KSERVE_GROUP))


def _search(value: Object, path: str, metadata: Object, kserve: bool) -> Iterator[Pod]:
    containers = tuple(_containers(value, kserve))
    if containers:
        yield Pod(path, value, metadata, containers)
    for key, child in value.items():
        if key in _NOT_ENTERED or key in CONTAINER_LISTS:
            continue
        if isinstance(child, Unknown) and not containers and _MAY_HOLD_PODS.search(key):
            raise child.error
        beneath = f"{path}.{key}".lstrip(".")
        if isinstance(child, dict):
            # A template's metadata stands beside its spec.
            inherited = value.get("metadata") if key == "spec" else None
            yield from _search(child, beneath, inherited if isinstance(inherited, dict) else {}, kserve)
        elif isinstance(child, list):
            for index, item in enumerate(child):
                if isinstance(item, dict):
                    yield from _search(item, f"{beneath}[{index}]", {}, kserve)


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
