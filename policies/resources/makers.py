"""What a controller adds to the pods that an object describes: some make them as written, some complete them.

Imports `plain` and `objects`. Read in the sources of Knative Serving 1.18 (config-defaults), KubeRay (common/pod.go)
and KServe 0.19 (ServingRuntimePodSpec, setDefaultPodSpec).
"""

from __future__ import annotations

from enum import StrEnum

from policies.resources.objects import KubernetesObject
from policies.resources.plain import dig, text

KSERVE_GROUP = "serving.kserve.io"
KNATIVE_GROUP = "serving.knative.dev"
RAY_GROUP = "ray.io"
KSERVE_MODE = f"{KSERVE_GROUP}/deploymentMode"
KSERVE_WITHOUT_KNATIVE = ("Standard", "RawDeployment")
# Their controllers make pods of the template and of nothing else.
_AS_WRITTEN = frozenset(
    {
        *("Pod", "PodTemplate", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
        *("Job", "CronJob", "JobSet", "ScaledJob", "Rollout", "LeaderWorkerSet"),
    }
)


class Field(StrEnum):
    """What may be missing in an object and still be there in its pods."""

    TOKEN = "automountServiceAccountToken"
    SERVICE_LINKS = "enableServiceLinks"
    GRACE = "terminationGracePeriodSeconds"
    POD_SECURITY = "securityContext"
    CONTAINER_SECURITY = "containers[].securityContext"
    READINESS = "containers[].readinessProbe"
    RESOURCES = "containers[].resources"
    ARGUMENTS = "containers[].args"
    SHARED_MEMORY = "a volume at /dev/shm"


ANYTHING = frozenset(Field)
NOTHING: frozenset[Field] = frozenset()
_BY_KNATIVE = frozenset({Field.READINESS, Field.SERVICE_LINKS, Field.GRACE})
_BY_KUBERAY = frozenset({Field.READINESS, Field.SHARED_MEMORY})
# A runtime has containers and volumes, and none of a pod's own settings.
_BY_RUNTIME = frozenset(
    {Field.CONTAINER_SECURITY, Field.READINESS, Field.RESOURCES, Field.ARGUMENTS, Field.SHARED_MEMORY}
)


def filled_in(obj: KubernetesObject, names_a_format: bool) -> frozenset[Field]:
    """What the object's controller may set in this pod where the object does not. Raises UnknownValueError.

    `names_a_format`: whether the server is KServe's to find, by its runtime. Kinds that are not known may add anything.
    """
    if obj.patch:
        return ANYTHING
    if obj.group == KNATIVE_GROUP:
        return _BY_KNATIVE
    if obj.group == RAY_GROUP:
        return _BY_KUBERAY
    if obj.group == KSERVE_GROUP:
        return _by_kserve(obj, names_a_format)
    return NOTHING if obj.kind in _AS_WRITTEN else ANYTHING


def _by_kserve(obj: KubernetesObject, names_a_format: bool) -> frozenset[Field]:
    """A preset completes an LLMInferenceService, an InferenceService completes a runtime."""
    if obj.kind != "InferenceService":
        return ANYTHING
    standard = text(obj.annotations.get(KSERVE_MODE)) in KSERVE_WITHOUT_KNATIVE
    # Without the annotation the mode is the install's: Knative may be behind it.
    by_mode = NOTHING if standard else _BY_KNATIVE
    # Its webhook gives every container a share of CPU and memory, and the pod a probe of its port.
    return by_mode | {Field.READINESS, Field.RESOURCES} | (_BY_RUNTIME if names_a_format else NOTHING)


def follows(obj: KubernetesObject, path: str) -> bool:
    """Whether the pod at `path` only works for another one of its group, which takes the requests.

    A LeaderWorkerSet's worker template makes the leader too where there is no other.
    """
    if obj.kind == "LeaderWorkerSet":
        return "workerTemplate" in path and dig(obj.spec, "leaderWorkerTemplate", "leaderTemplate") is not None
    if obj.group == RAY_GROUP:
        return "workerGroupSpecs" in path
    return obj.group == KSERVE_GROUP and path.rpartition(".")[2] in ("worker", "workerSpec")


def routes(obj: KubernetesObject, path: str) -> bool:
    """Whether the pod at `path` stands before the models and holds none: the scheduler of an LLMInferenceService."""
    return obj.group == KSERVE_GROUP and ".router." in path
