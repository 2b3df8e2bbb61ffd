"""The pods that run of an object: which template, how many at the least, under which labels, on how many GPUs.

Imports this package. Only what runs all the time counts: no Job, and no DaemonSet, whose count the nodes decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, mapping, text, whole
from policies.resources.pods import CONTAINER_LISTS, KSERVE_GROUP, Container, Pod
from policies.resources.replicas import KSERVE_COMPONENTS, REPLICATED, counts
from policies.resources.scalers import Target

INFERENCE_SERVICE, LLM_INFERENCE_SERVICE = "InferenceService", "LLMInferenceService"
_GPU = re.compile(r"(^|[./])(gpu|gaudi|tpu|neuron\w*|xe|i915)$")
_RAY_KINDS = frozenset({"RayCluster", "RayService", "RayJob"})
_INIT = CONTAINER_LISTS["initContainers"]


@dataclass(frozen=True)
class Running:
    """Pods of one template. `replicas` is the least that there are, `together` how many pods one replica has.

    `part` names the component of an InferenceService, which is scaled by itself; `labels` is None where a controller
    gives its pods labels that the object does not tell.
    """

    pod: Pod
    replicas: int
    part: str = ""
    together: int = 1
    labels: Object | None = field(default=None, repr=False)

    @property
    def gpus(self) -> int:
        """GPUs that one replica asks for."""
        return gpus_of(self.pod) * self.together


def gpus_of(pod: Pod) -> int:
    """Whole GPUs of a pod: those of its containers together, or of its greediest init container."""
    init = [_gpus(container) for container in pod.containers if container.role == _INIT]
    main = [_gpus(container) for container in pod.containers if container.role != _INIT]
    return max(sum(main), *init, 0)


def _gpus(container: Container) -> int:
    resources = mapping(container.body.get("resources"))
    asked = {**mapping(resources.get("requests")), **mapping(resources.get("limits"))}
    return sum(whole(value) or 0 for name, value in asked.items() if _GPU.search(name))


def running(obj: KubernetesObject, pods: list[Pod], scaled: dict[str, int]) -> list[Running]:
    """Everything that runs of an object. `scaled` holds the least that a scaler keeps, by part ("" for the whole)."""
    if obj.patch or not pods:
        return []
    return list(_running(obj, pods, scaled))


def part_of(obj: KubernetesObject, target: Target) -> str:
    """Which part of an object a scaler's target is: the predictor of an InferenceService, or all of it."""
    return "predictor" if obj.kind == INFERENCE_SERVICE and target.kind == "Deployment" else ""


def _running(obj: KubernetesObject, pods: list[Pod], scaled: dict[str, int]) -> Iterator[Running]:
    if obj.kind == "Pod":
        yield Running(pods[0], 1, labels=obj.labels)
    elif obj.kind == "LeaderWorkerSet":
        yield from _group(obj, pods, scaled.get("", _own(obj)))
    elif obj.kind in REPLICATED:
        yield Running(pods[0], scaled.get("", _own(obj)), labels=pods[0].labels)
    elif obj.group == KSERVE_GROUP and obj.kind == INFERENCE_SERVICE:
        yield from _components(obj, pods, scaled)
    elif obj.group == KSERVE_GROUP and obj.kind == LLM_INFERENCE_SERVICE:
        yield from _llm_service(obj, pods)
    elif obj.group == "serving.knative.dev" and obj.kind == "Service":
        labels = {**pods[0].labels, "serving.knative.dev/service": obj.name}
        yield Running(pods[0], _own(obj), labels=labels)
    elif obj.kind in _RAY_KINDS:
        yield from _ray(obj, pods)


def _own(obj: KubernetesObject, path: str = "") -> int:
    """The least that the object's own fields keep, at a place where there are several."""
    return min((count.replicas for count in counts(obj) if count.path.startswith(path)), default=1)


def _group(obj: KubernetesObject, pods: list[Pod], replicas: int) -> Iterator[Running]:
    """A LeaderWorkerSet: `size` pods a replica, the first by the leader's template if there is one."""
    size = whole(dig(obj.body, "spec", "leaderWorkerTemplate", "size")) or 1
    own = {"leaderworkerset.sigs.k8s.io/name": obj.name}
    leaders = [pod for pod in pods if ".leaderTemplate" in pod.path]
    workers = [pod for pod in pods if ".workerTemplate" in pod.path]
    for pod in leaders:
        yield Running(pod, replicas, labels={**pod.labels, **own})
    for pod in workers:
        yield Running(pod, replicas, together=size - len(leaders), labels={**pod.labels, **own})


def _components(obj: KubernetesObject, pods: list[Pod], scaled: dict[str, int]) -> Iterator[Running]:
    for pod in pods:
        part = pod.path.split(".")[1] if pod.path.startswith("spec.") else ""
        if part not in KSERVE_COMPONENTS:
            continue
        component = mapping(dig(obj.body, "spec", part))
        own = {"serving.kserve.io/inferenceservice": obj.name, "component": part, "app": f"isvc.{obj.name}-{part}"}
        labels = {**obj.labels, **mapping(component.get("labels")), **own}
        annotated = [count.replicas for count in counts(obj) if count.path.startswith("metadata.annotations")]
        least = scaled.get(part, min([*annotated, _own(obj, f"spec.{part}.")]))
        yield Running(pod, least, part, labels=labels)


def _llm_service(obj: KubernetesObject, pods: list[Pod]) -> Iterator[Running]:
    """Beside the template a worker, of a group with it, and both again for prefill."""
    own = {"app.kubernetes.io/name": obj.name, "app.kubernetes.io/part-of": "llminferenceservice"}
    labels = {**mapping(obj.spec.get("labels")), **own}
    for pod in pods:
        prefill = pod.path.startswith("spec.prefill")
        place = "spec.prefill." if prefill else "spec."
        least = min(
            (
                count.replicas
                for count in counts(obj)
                if count.path.startswith(place) and count.path.startswith("spec.prefill") == prefill
            ),
            default=1,
        )
        yield Running(pod, least, "prefill" if prefill else "", labels=labels)


def _ray(obj: KubernetesObject, pods: list[Pod]) -> Iterator[Running]:
    """One head, and each group of workers at its least."""
    for pod in pods:
        match = re.search(r"(.*workerGroupSpecs)\[(\d+)\]", pod.path)
        if match is None:
            yield Running(pod, 1)
            continue
        group = mapping(_at(obj.body, match[1].split("."))[int(match[2])])
        least = next((found for key in ("minReplicas", "replicas") if (found := whole(group.get(key))) is not None), 1)
        yield Running(pod, least, text(group.get("groupName")) or "", together=whole(group.get("numOfHosts")) or 1)


def _at(body: Object, path: list[str]) -> list[object]:
    found = dig(body, *path)
    return found if isinstance(found, list) else []
