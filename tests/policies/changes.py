"""What a single change of a stack's manifests is made with: a field set, taken away or added, an object more or less.

Imports the manifests' builders.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.policies.written import IN_FLIGHT, hpa, scaled_object

Manifest = dict[str, Any]
Stack = list[Manifest]
# Where things are, in a path: the engine's container of a Deployment, and of an InferenceService.
POD, ENGINE, PREDICTOR, MODEL = (
    "spec.template.spec",
    "spec.template.spec.containers.0",
    "spec.predictor",
    "spec.predictor.model",
)
GONE, ANNOTATION = object(), "annotation:"


@dataclass(frozen=True)
class Mutation:
    """`what` as a reviewer would say it; `rules` are those that tell of it, and no others."""

    what: str
    stack: str
    change: Callable[[Stack], None]
    rules: tuple[str, ...]


def find(stack: Stack, kind: str, name: str) -> Manifest:
    (found,) = (one for one in stack if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def put(target: Any, path: str, value: Any) -> None:
    """Set, or take away, what a path of keys and positions names; `annotation:KEY` stands for one of the metadata."""
    way, last = steps(path)
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
    if value is GONE:
        target.pop(int(last) if isinstance(target, list) else last)
    else:
        target[last] = value


def steps(path: str) -> tuple[list[str], str]:
    if path.startswith(ANNOTATION):
        return ["metadata", "annotations"], path.removeprefix(ANNOTATION)
    *way, last = path.split(".")
    return way, last


def add(target: Any, path: str, *values: Any) -> None:
    for step in path.split("."):
        target = target[int(step)] if isinstance(target, list) else target.setdefault(step, [])
    target.extend(values)


def named(items: list[Manifest], name: str) -> Manifest:
    (found,) = (one for one in items if one["name"] == name)
    return found


def in_place(manifest: Manifest, namespace: str) -> Manifest:
    return {**deepcopy(manifest), "metadata": {**manifest["metadata"], "namespace": namespace}}


# --- of one object --------------------------------------------------------------------------------------------------

VLLM, LLAMA, HOT, LARGE = "gemma-2-9b-summary", "qwen2-5-7b-fallback", "qwen2-5-coder-7b", "llama-3-3-70b-assist"
ON_KSERVE, TRITON = "llama-3-1-8b-assist", "bge-reranker-v2-m3"


def of(kind: str, name: str, path: str, value: Any) -> Callable[[Stack], None]:
    return lambda stack: put(find(stack, kind, name), path, value)


def engine(path: str, value: Any, model: str = VLLM) -> Callable[[Stack], None]:
    """A field of the engine's container, in a Deployment of the fleet."""
    return of("Deployment", f"{model}-plain", f"{ENGINE}.{path}", value)


def pod(path: str, value: Any, model: str = VLLM) -> Callable[[Stack], None]:
    return of("Deployment", f"{model}-plain", f"{POD}.{path}", value)


def service(path: str, value: Any, model: str = ON_KSERVE) -> Callable[[Stack], None]:
    """A field of the InferenceService."""
    return of("InferenceService", f"{model}-kserve", path, value)


def argument(*words: str, model: str = VLLM) -> Callable[[Stack], None]:
    return lambda stack: add(find(stack, "Deployment", f"{model}-plain"), f"{ENGINE}.args", *words)


def variable(name: str, value: str, model: str = VLLM) -> Callable[[Stack], None]:
    return lambda stack: add(
        find(stack, "Deployment", f"{model}-plain"), f"{ENGINE}.env", {"name": name, "value": value}
    )


def without_argument(word: str, model: str) -> Callable[[Stack], None]:
    return lambda stack: find(stack, "Deployment", f"{model}-plain")["spec"]["template"]["spec"]["containers"][0][
        "args"
    ].remove(word)


def no_digest(stack: Stack) -> None:
    deployment = find(stack, "Deployment", f"{VLLM}-plain")
    for holder in (deployment, deployment["spec"]["template"]):
        del holder["metadata"]["annotations"]["substrate.dev/weights-digest"]


def without_variable(name: str, model: str = VLLM) -> Callable[[Stack], None]:
    def change(stack: Stack) -> None:
        container = find(stack, "Deployment", f"{model}-plain")["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [one for one in container["env"] if one["name"] != name]

    return change


def together(*changes: Callable[[Stack], None]) -> Callable[[Stack], None]:
    def change(stack: Stack) -> None:
        for one in changes:
            one(stack)

    return change


def mount(name: str, field: str, value: Any, model: str = VLLM) -> Callable[[Stack], None]:
    def change(stack: Stack) -> None:
        container = find(stack, "Deployment", f"{model}-plain")["spec"]["template"]["spec"]["containers"][0]
        put(named(container["volumeMounts"], name), field, value)

    return change


def volume(name: str, path: str, value: Any, model: str = VLLM) -> Callable[[Stack], None]:
    def change(stack: Stack) -> None:
        put(
            named(find(stack, "Deployment", f"{model}-plain")["spec"]["template"]["spec"]["volumes"], name), path, value
        )

    return change


def no_shared_memory(stack: Stack) -> None:
    spec = find(stack, "Deployment", f"{LARGE}-plain")["spec"]["template"]["spec"]
    spec["volumes"].remove(named(spec["volumes"], "shared-memory"))
    mounts = spec["containers"][0]["volumeMounts"]
    mounts.remove(named(mounts, "shared-memory"))


def first(*command: str, image: str = "amazon/aws-cli:2.31.0") -> Callable[[Stack], None]:
    """An init container that runs before the engine, hardened like it."""

    def change(stack: Stack) -> None:
        spec = find(stack, "Deployment", f"{VLLM}-plain")["spec"]["template"]["spec"]
        container = {key: deepcopy(spec["containers"][0][key]) for key in ("securityContext", "resources")}
        spec["initContainers"] = [{"name": "first", "image": image, "command": list(command), **container}]

    return change


# --- objects beside -------------------------------------------------------------------------------------------------


def beside(*manifests: Manifest, namespace: str = "search") -> Callable[[Stack], None]:
    return lambda stack: stack.extend(in_place(one, namespace) for one in manifests)


def scaled_by(*scalers: Manifest, namespace: str = "search") -> Callable[[Stack], None]:
    """In place of the scaler that the stack has for the same workload."""

    def change(stack: Stack) -> None:
        added = [in_place(one, namespace) for one in scalers]
        targets = [(namespace, one["spec"]["scaleTargetRef"]["name"]) for one in added]
        stack[:] = [one for one in stack if target_of(one) not in targets]
        stack.extend(added)

    return change


def target_of(manifest: Manifest) -> tuple[str, str] | None:
    """Namespace and name of what a manifest scales."""
    if manifest["kind"] not in ("ScaledObject", "HorizontalPodAutoscaler"):
        return None
    return manifest["metadata"]["namespace"], manifest["spec"]["scaleTargetRef"]["name"]


def gone(kind: str, name: str) -> Callable[[Stack], None]:
    return lambda stack: stack.remove(find(stack, kind, name))


def hpa_of(model: str = VLLM, **spec: Any) -> Manifest:
    return hpa(f"{model}-plain", **{"metrics": [IN_FLIGHT], "minReplicas": 1, "maxReplicas": 2, **spec})


def keda_of(*triggers: Manifest, model: str = VLLM, **spec: Any) -> Manifest:
    return scaled_object(f"{model}-plain", *triggers, **{"minReplicaCount": 1, "maxReplicaCount": 2, **spec})


def object_of(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}
