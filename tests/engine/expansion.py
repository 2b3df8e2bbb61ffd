"""Custom resources as the pods that they make, for scanners that know Kubernetes' own kinds only.

Written apart from `policies`, so that one cannot hide the other's gap. Imports the standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Manifest = dict[str, Any]

# Kubernetes' own groups, of those that the product makes objects of.
_BUILT_IN = re.compile(r"v1|(?:apps|autoscaling|batch|policy|networking\.k8s\.io)/.+")
WITHOUT_PODS = frozenset(
    {"HTTPRoute", "ReferenceGrant", "ScaledObject", "HTTPScaledObject", "PodMonitor", "PrometheusRule"}
)
RUNTIMES = frozenset({"ServingRuntime", "ClusterServingRuntime"})
# Of a part of an InferenceService or of a runtime, and not of the pod.
_NOT_OF_PODS = frozenset(
    {"minReplicas", "maxReplicas", "labels", "annotations", "deploymentStrategy", "supportedModelFormats", "multiModel"}
)
_NOT_OF_CONTAINERS = frozenset({"modelFormat", "runtime", "storageUri", "protocolVersion"})


def expanded(made: Sequence[Manifest]) -> list[Manifest]:
    """The objects, in place of each custom resource its pods. Raises ValueError for one whose pods it does not find."""
    runtimes = {one["metadata"]["name"]: one["spec"] for one in made if one["kind"] in RUNTIMES}
    unused = set(runtimes) - {_runtime(one) for one in made}
    if unused:
        raise ValueError(f"no service completes the runtimes {sorted(unused)} to pods")
    whole = [_completed(one, runtimes) for one in made if one["kind"] not in RUNTIMES]
    return [native for one in whole for native in _native(one)]


def is_built_in(manifest: Manifest) -> bool:
    return bool(_BUILT_IN.fullmatch(manifest["apiVersion"]))


def pod_specs(value: object) -> Iterator[Manifest]:
    """Every mapping with a list of containers, however deep."""
    if isinstance(value, Mapping):
        if isinstance(value.get("containers"), list):
            yield dict(value)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from pod_specs(each)


def _native(manifest: Manifest) -> list[Manifest]:
    if is_built_in(manifest) or manifest["kind"] in WITHOUT_PODS:
        return [manifest]
    pods = [_pod(manifest, number, spec) for number, spec in enumerate(pod_specs(manifest["spec"]))]
    if not pods:
        raise ValueError(f"{manifest['kind']} {manifest['metadata']['name']}: no pod found in it")
    return pods


def _pod(manifest: Manifest, number: int, spec: Manifest) -> Manifest:
    given = manifest["metadata"]
    labels = {**given.get("labels", {}), **spec.get("labels", {})}
    metadata = {"name": f"{given['name']}-{number}", "namespace": given["namespace"], "labels": labels}
    kept = {name: value for name, value in spec.items() if name not in _NOT_OF_PODS}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": kept}


def _runtime(manifest: Manifest) -> str | None:
    """The runtime that the predictor of an InferenceService names."""
    predictor = manifest.get("spec", {}).get("predictor", {}) if manifest["kind"] == "InferenceService" else {}
    name = predictor.get("model", {}).get("runtime")
    return str(name) if name else None


def _completed(manifest: Manifest, runtimes: Mapping[str, Manifest]) -> Manifest:
    """An InferenceService whose predictor has the runtime's fields, its container those of `model`, as KServe does."""
    name = _runtime(manifest)
    if name is None:
        return manifest
    runtime, predictor = runtimes[name], manifest["spec"]["predictor"]
    (served,) = runtime["containers"]
    own = {key: value for key, value in predictor["model"].items() if key not in _NOT_OF_CONTAINERS}
    beside = [one for one in predictor.get("containers", []) if one["name"] != served["name"]]
    rest = {key: value for key, value in predictor.items() if key != "model"}
    whole = {**runtime, **rest, "containers": [{**served, **own}, *beside]}
    return {**manifest, "spec": {**manifest["spec"], "predictor": whole}}
