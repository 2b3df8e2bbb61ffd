"""An InferenceService with what the runtime that it names brings, as KServe puts them together. Imports this package.

Read in KServe 0.19's MergeRuntimeContainers: the service's fields win, arguments stand behind the runtime's, variables
and mounts are joined by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, mapping, mappings, sequence, text
from policies.resources.pods import KSERVE_GROUP

CONTAINER = "kserve-container"
RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
# How each list of a container is joined: by which key.
_JOINED = {"env": "name", "volumeMounts": "mountPath", "ports": "containerPort"}
# Of a runtime's spec what is no part of a pod.
_NOT_OF_A_POD = frozenset({"supportedModelFormats", "multiModel", "disabled", "protocolVersions", "workerSpec"})


def runtime_named(obj: KubernetesObject) -> str | None:
    """The runtime that an InferenceService's model names; None for any other object. Raises UnknownValueError."""
    if obj.group != KSERVE_GROUP or obj.kind != "InferenceService":
        return None
    return text(dig(obj.spec, "predictor", "model", "runtime"))


def completed(obj: KubernetesObject, runtime: KubernetesObject) -> KubernetesObject:
    """The service as one of its own containers, which needs no runtime any more. Raises UnknownValueError."""
    predictor = mapping(obj.spec.get("predictor"))
    model = mapping(predictor.get("model"))
    theirs = mappings(runtime.spec.get("containers"))
    server = _joined(_server(theirs), {**model, "name": CONTAINER})
    beside = [one for one in theirs if one is not _server(theirs)]
    made = {
        **{key: value for key, value in runtime.spec.items() if key not in _NOT_OF_A_POD},
        **{key: value for key, value in predictor.items() if key != "model"},
        "containers": [server, *beside, *mappings(predictor.get("containers"))],
        "volumes": _by_key(mappings(runtime.spec.get("volumes")), mappings(predictor.get("volumes")), "name"),
    }
    return replace(obj, body={**obj.body, "spec": {**obj.spec, "predictor": made}})


def _server(containers: Iterable[Object]) -> Object:
    return next((one for one in containers if text(one.get("name")) == CONTAINER), {})


def _joined(theirs: Object, ours: Object) -> Object:
    joined: Object = {**theirs, **ours}
    for key, name in _JOINED.items():
        joined[key] = _by_key(mappings(theirs.get(key)), mappings(ours.get(key)), name)
    for key in ("limits", "requests"):
        asked = {**mapping(dig(theirs, "resources", key)), **mapping(dig(ours, "resources", key))}
        joined["resources"] = {**mapping(joined.get("resources")), key: asked}
    joined["securityContext"] = {**mapping(theirs.get("securityContext")), **mapping(ours.get("securityContext"))}
    joined["args"] = [*sequence(theirs.get("args")), *sequence(ours.get("args"))]
    return joined


def _by_key(theirs: list[Object], ours: list[Object], key: str) -> list[Any]:
    own = [text(one.get(key)) for one in ours]
    return [*(one for one in theirs if text(one.get(key)) not in own), *ours]
