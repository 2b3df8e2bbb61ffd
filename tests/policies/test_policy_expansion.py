"""Every kind of object is expanded to the pods that it would make, with their labels and what others add to them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from policies.resources.makers import ANYTHING, Field
from policies.resources.objects import objects_of
from policies.resources.pods import Pod, pods_of

Manifest = dict[str, Any]
SECURITY = {"runAsNonRoot": True}


class Expected(NamedTuple):
    """A pod: where, its containers' names, its label `part`, and how its controller treats it."""

    path: str
    containers: tuple[str, ...]
    part: str | None
    whole: bool = True
    follows: bool = False
    routes: bool = False


def spec(*names: str, **fields: Any) -> Manifest:
    return {"containers": [{"name": name, "image": "a:1"} for name in names or ("main",)], **fields}


def labelled(part: str) -> Manifest:
    return {"labels": {"part": part}, "annotations": {"part": part}}


def templated(part: str = "pod", *names: str, **fields: Any) -> Manifest:
    return {"metadata": labelled(part), "spec": spec(*names, securityContext=SECURITY, **fields)}


def manifest(version: str, kind: str, body: Manifest) -> Manifest:
    """`body` stands beside metadata whose labels must not be taken for a template's."""
    metadata = {"name": "a", "labels": {"part": "object"}, "annotations": {"part": "object"}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def workload(kind: str, version: str = "apps/v1") -> Manifest:
    return manifest(version, kind, {"spec": {"template": templated()}})


def kserve(kind: str, body: Manifest, version: str = "v1beta1") -> Manifest:
    return manifest(f"serving.kserve.io/{version}", kind, {"spec": body})


MODEL = {"modelFormat": {"name": "vLLM"}, "storageUri": "pvc://a/b"}
RAY = {
    "headGroupSpec": {"template": templated("head", "ray-head")},
    "workerGroupSpecs": [{"template": templated("one", "ray-worker")}, {"template": templated("two", "ray-worker")}],
}
HEAD, ONE, TWO = (("ray-head",), "head", False), (("ray-worker",), "one", False), (("ray-worker",), "two", False)


def of_ray(path: str) -> list[Expected]:
    return [
        Expected(f"{path}.headGroupSpec.template.spec", *HEAD),
        Expected(f"{path}.workerGroupSpecs[0].template.spec", *ONE, follows=True),
        Expected(f"{path}.workerGroupSpecs[1].template.spec", *TWO, follows=True),
    ]


def as_written(path: str) -> list[Expected]:
    return [Expected(path, ("main",), "pod")]


MADE: dict[str, tuple[Manifest, list[Expected]]] = {
    **{
        kind: (workload(kind, version), as_written("spec.template.spec"))
        for kind, version in {
            "Deployment": "apps/v1",
            "StatefulSet": "apps/v1",
            "DaemonSet": "apps/v1",
            "ReplicaSet": "apps/v1",
            "ReplicationController": "v1",
            "Job": "batch/v1",
            "Rollout": "argoproj.io/v1alpha1",
        }.items()
    },
    "Pod": (manifest("v1", "Pod", {"spec": spec()}), [Expected("spec", ("main",), "object")]),
    "PodTemplate": (manifest("v1", "PodTemplate", {"template": templated()}), as_written("template.spec")),
    "CronJob": (
        manifest(
            "batch/v1", "CronJob", {"spec": {"jobTemplate": {**labelled("job"), "spec": {"template": templated()}}}}
        ),
        as_written("spec.jobTemplate.spec.template.spec"),
    ),
    "ScaledJob": (
        manifest("keda.sh/v1alpha1", "ScaledJob", {"spec": {"jobTargetRef": {"template": templated()}}}),
        as_written("spec.jobTargetRef.template.spec"),
    ),
    "init and ephemeral containers too": (
        manifest(
            "v1", "Pod", {"spec": spec(initContainers=[{"name": "first"}], ephemeralContainers=[{"name": "debug"}])}
        ),
        [Expected("spec", ("main", "first", "debug"), "object")],
    ),
    "LeaderWorkerSet with a leader": (
        manifest(
            "leaderworkerset.x-k8s.io/v1",
            "LeaderWorkerSet",
            {"spec": {"leaderWorkerTemplate": {"leaderTemplate": templated("l"), "workerTemplate": templated("w")}}},
        ),
        [
            Expected("spec.leaderWorkerTemplate.leaderTemplate.spec", ("main",), "l"),
            Expected("spec.leaderWorkerTemplate.workerTemplate.spec", ("main",), "w", follows=True),
        ],
    ),
    "LeaderWorkerSet whose leader is a worker": (
        manifest(
            "leaderworkerset.x-k8s.io/v1",
            "LeaderWorkerSet",
            {"spec": {"leaderWorkerTemplate": {"workerTemplate": templated("w")}}},
        ),
        [Expected("spec.leaderWorkerTemplate.workerTemplate.spec", ("main",), "w")],
    ),
    **{
        f"Knative {kind}": (
            manifest("serving.knative.dev/v1", kind, {"spec": {"template": templated()}}),
            [Expected("spec.template.spec", ("main",), "pod", whole=False)],
        )
        for kind in ("Service", "Configuration")
    },
    "RayCluster": (manifest("ray.io/v1", "RayCluster", {"spec": RAY}), of_ray("spec")),
    "RayService": (
        manifest("ray.io/v1", "RayService", {"spec": {"rayClusterConfig": RAY, "serveConfigV2": "applications: []"}}),
        of_ray("spec.rayClusterConfig"),
    ),
    "RayJob": (
        manifest(
            "ray.io/v1", "RayJob", {"spec": {"rayClusterSpec": RAY, "submitterPodTemplate": templated("submitter")}}
        ),
        [
            *of_ray("spec.rayClusterSpec"),
            Expected("spec.submitterPodTemplate.spec", ("main",), "submitter", whole=False),
        ],
    ),
    "InferenceService of a format, its parts and its workers": (
        kserve(
            "InferenceService",
            {
                "predictor": {
                    **labelled("predictor"),
                    "model": MODEL,
                    "containers": [{"name": "relay", "image": "b:1"}],
                    "securityContext": SECURITY,
                    "workerSpec": spec("worker", pipelineParallelSize=2),
                },
                "transformer": {**labelled("transformer"), **spec("kserve-container")},
                "explainer": spec("kserve-container"),
            },
        ),
        [
            Expected("spec.predictor", ("relay", "model"), "predictor", whole=False),
            Expected("spec.predictor.workerSpec", ("worker",), "predictor", whole=False, follows=True),
            Expected("spec.transformer", ("kserve-container",), "transformer", whole=False),
            Expected("spec.explainer", ("kserve-container",), "object", whole=False),
        ],
    ),
    "InferenceService by a framework's name": (
        kserve("InferenceService", {"predictor": {"triton": {"storageUri": "pvc://a/b"}}}),
        [Expected("spec.predictor", ("triton",), "object", whole=False)],
    ),
    "InferenceService's canary": (
        kserve("InferenceService", {"canary": [{"trafficPercent": 5, "predictor": {"model": MODEL}}]}),
        [Expected("spec.canary[0].predictor", ("model",), "object", whole=False)],
    ),
    "LLMInferenceService with all its parts": (
        kserve(
            "LLMInferenceService",
            {
                "model": {"uri": "pvc://a/b", "name": "a"},
                **labelled("decode"),
                "template": spec(),
                "worker": spec("worker"),
                "prefill": {**labelled("prefill"), "template": spec(), "worker": spec("worker")},
                "router": {"scheduler": {"template": spec("epp")}},
            },
            "v1alpha1",
        ),
        [
            Expected("spec.template", ("main",), "decode", whole=False),
            Expected("spec.worker", ("worker",), "decode", whole=False, follows=True),
            Expected("spec.prefill.template", ("main",), "prefill", whole=False),
            Expected("spec.prefill.worker", ("worker",), "prefill", whole=False, follows=True),
            Expected("spec.router.scheduler.template", ("epp",), None, whole=False, routes=True),
        ],
    ),
    **{
        kind: (
            kserve(
                kind,
                {**labelled("runtime"), **spec("kserve-container"), "workerSpec": spec("worker-container")},
                "v1alpha1",
            ),
            [
                Expected("spec", ("kserve-container",), "runtime", whole=False),
                Expected("spec.workerSpec", ("worker-container",), "runtime", whole=False, follows=True),
            ],
        )
        for kind in ("ServingRuntime", "ClusterServingRuntime")
    },
    "a kind that nobody knows": (
        manifest("example.com/v1", "Engine", {"spec": {"podTemplate": templated()}}),
        [Expected("spec.podTemplate.spec", ("main",), "pod", whole=False)],
    ),
    "no pods": (
        kserve("LLMInferenceService", {"model": {"uri": "hf://a/b"}, "router": {"route": {}}}, "v1alpha1"),
        [],
    ),
}


def expanded(made: Manifest) -> list[Pod]:
    (obj,) = objects_of(f"kubernetes:{made['apiVersion']}:{made['kind']}", made)
    return pods_of(obj)


def seen(pod: Pod) -> Expected:
    names = tuple(container.name for container in pod.containers)
    assert pod.labels.get("part") == pod.annotations.get("part")
    return Expected(pod.path, names, pod.labels.get("part"), pod.whole, pod.follows, pod.routes)


@pytest.mark.parametrize(("made", "expected"), MADE.values(), ids=MADE.keys())
def test_object_gives_exactly_the_pods_that_it_would_make(made: Manifest, expected: list[Expected]) -> None:
    assert sorted(map(seen, expanded(made))) == sorted(expected)


@pytest.mark.parametrize("name", [name for name, (made, _) in MADE.items() if "securityContext" in str(made)])
def test_pod_carries_its_own_settings(name: str) -> None:
    pods = expanded(MADE[name][0])

    assert any(pod.spec.get("securityContext") == SECURITY for pod in pods)


def filled(made: Manifest) -> frozenset[Field]:
    return expanded(made)[0].filled


def test_whose_fields_a_controller_sets_is_known_of_each_kind() -> None:
    standard = {"serving.kserve.io/deploymentMode": "Standard"}
    predictor = kserve("InferenceService", {"predictor": {"model": MODEL}})
    own = kserve("InferenceService", {"predictor": spec("kserve-container")})
    for service in (predictor, own):
        service["metadata"]["annotations"] = standard

    assert filled(own) == {Field.READINESS, Field.RESOURCES}
    assert {Field.ARGUMENTS, Field.CONTAINER_SECURITY} < filled(predictor)
    assert not {Field.TOKEN, Field.SERVICE_LINKS, Field.POD_SECURITY, Field.GRACE} & filled(predictor)
    assert Field.SERVICE_LINKS in filled(MADE["Knative Service"][0])
    assert Field.CONTAINER_SECURITY not in filled(MADE["RayCluster"][0])
    assert filled(MADE["ServingRuntime"][0]) == ANYTHING


def test_mode_that_is_the_installs_to_choose_may_be_knative() -> None:
    assert Field.SERVICE_LINKS in filled(kserve("InferenceService", {"predictor": spec("kserve-container")}))


def test_patch_leaves_to_the_object_what_it_does_not_name() -> None:
    (obj,) = objects_of("kubernetes:apps/v1:DeploymentPatch", workload("Deployment"))

    assert [pod.filled for pod in pods_of(obj)] == [ANYTHING]
