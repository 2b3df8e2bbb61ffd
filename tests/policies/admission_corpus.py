"""Objects that the pack and the API server must judge alike: every example, and what is nearly one.

They are written so that the server takes them: with selectors, and in kinds that it has.
"""

from __future__ import annotations

from typing import Any

from policies.judge import Finding, checks
from policies.resources.objects import objects_of
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Rule
from policies.rules import RULES
from policies.settings import Settings
from tests.policies.admission_models import SERVED
from tests.policies.examples import together
from tests.policies.examples.ended import MODE, YATAI
from tests.policies.judging import token
from tests.policies.written import (
    CPU,
    HOT,
    IN_FLIGHT,
    LLM,
    Manifest,
    bare,
    container,
    hpa,
    inference_service,
    knative,
    metadata,
    prometheus,
    scaled_object,
    template,
    workload,
)

NAMESPACE = "admission"
DIGEST = f"sha256:{'a' * 64}"
TWO = {"substrate.dev/min-replicas": "2"}
SERIES = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "container_cpu_usage_seconds_total"},
        "target": {"type": "AverageValue", "averageValue": "1"},
    },
}
CONTAINER_CPU = {
    "type": "ContainerResource",
    "containerResource": {"name": "cpu", "container": "engine", "target": CPU["resource"]["target"]},
}
CACHE_USAGE = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "vllm_gpu_cpu_cache_usage"},
        "target": {"type": "AverageValue", "averageValue": "1"},
    },
}
V1 = "autoscaling/v1"


def exempt(rule: str, written: str = "2999-12-31 the vendor knows (PLAT-1)") -> dict[str, str]:
    return {f"policy.substrate.dev/{rule}": written}


def pod(image: str, **spec: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata("pod"), **template(container(image), **spec)} | {
        "metadata": metadata("pod")
    }


def imaged(*images: str, **spec: Any) -> Manifest:
    return workload(pod=template(*(container(image, f"c{index}") for index, image in enumerate(images)), **spec))


def job(image: str) -> Manifest:
    return workload(pod=template(container(image), restartPolicy="Never"), kind="Job", version="batch/v1")


def cron_job(image: str) -> Manifest:
    spec = {"schedule": "0 4 * * *", "jobTemplate": {"spec": job(image)["spec"]}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata("nightly"), "spec": spec}


def scaled(*triggers: Manifest, **fields: Any) -> Manifest:
    return scaled_object("llama", *triggers, **{"labels": LLM, "minReplicaCount": 1, **fields})


def hot_knative(annotations: dict[str, str]) -> Manifest:
    made = knative(annotations, labels=HOT)
    del made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]  # Knative's definition has no such field
    return made


def runtime(multi_model: bool) -> Manifest:
    spec = {"multiModel": multi_model, "supportedModelFormats": [{"name": "onnx"}], "containers": [container("a/b:1")]}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": metadata("several"),
        "spec": spec,
    }


MUTATED: dict[str, Manifest] = {
    # Which metric
    "hpa on cpu": hpa(labels=LLM, metrics=[CPU]),
    "hpa on cpu by annotation": hpa(annotations=LLM, metrics=[CPU]),
    "hpa on cpu of no language model": hpa(metrics=[CPU]),
    "hpa on cpu beside the right metric": hpa(labels=LLM, metrics=[IN_FLIGHT, CPU]),
    "hpa on a container's cpu": hpa(labels=LLM, metrics=[CONTAINER_CPU]),
    "hpa on cpu as a series": hpa(labels=LLM, metrics=[SERIES]),
    "hpa on a series that is none of the host's": hpa(labels=LLM, metrics=[CACHE_USAGE]),
    "hpa without metrics": hpa(labels=LLM),
    "hpa v1": hpa(version=V1, labels=LLM, targetCPUUtilizationPercentage=60),
    "hpa v1 without a percentage": hpa(version=V1, labels=LLM),
    "hpa v1 of no language model": hpa(version=V1),
    "hpa on cpu, exempt": hpa(labels=LLM, metrics=[CPU], annotations=exempt("host-metric")),
    "hpa on cpu, exempt from another rule": hpa(labels=LLM, metrics=[CPU], annotations=exempt("hot-floor")),
    "hpa on cpu, exempt without a day": hpa(labels=LLM, metrics=[CPU], annotations=exempt("host-metric", "because")),
    "hpa on cpu, exempt without a reason": hpa(
        labels=LLM, metrics=[CPU], annotations=exempt("host-metric", "2999-12-31")
    ),
    "keda on cpu": scaled({"type": "cpu", "metadata": {"value": "75"}}),
    "keda on memory beside prometheus": scaled(prometheus(), {"type": "memory", "metadata": {"value": "75"}}),
    "keda on a query of cpu": scaled(prometheus("sum(rate(container_cpu_usage_seconds_total[1m]))")),
    "keda on a query of the cache": scaled(prometheus("avg(vllm:cpu_cache_usage_perc)")),
    "keda on requests": scaled(prometheus()),
    # How few
    "hot at zero": workload(labels=HOT, replicas=0),
    "hot at one": workload(labels=HOT, replicas=1),
    "hot at zero by the pods' label": workload(pod=template(container(), labels={"app": "a", **HOT}), replicas=0),
    "long tail at zero": workload(labels={"substrate.dev/tier": "longTail"}, replicas=0),
    "hot above its floor": workload(labels=HOT, annotations=TWO, replicas=3),
    "hot below its floor": workload(labels=HOT, annotations={"substrate.dev/min-replicas": "3"}, replicas=2),
    "hot StatefulSet at zero": workload(kind="StatefulSet", labels=HOT, replicas=0),
    "hot at zero, exempt": workload(labels=HOT, replicas=0, annotations=exempt("hot-floor")),
    "hot and left to a scaler": workload(labels=HOT, annotations=TWO),
    "hot hpa below its floor": hpa(labels=HOT, annotations=TWO, metrics=[IN_FLIGHT], minReplicas=1),
    "hot hpa without a floor": hpa(labels=HOT, annotations=TWO, metrics=[IN_FLIGHT]),
    "hot hpa at its floor": hpa(labels=HOT, annotations=TWO, metrics=[IN_FLIGHT], minReplicas=2),
    "hot keda without a floor": scaled_object(labels=HOT),
    "hot keda at one": scaled_object(labels=HOT, minReplicaCount=1),
    "hot keda that idles at zero": scaled_object(labels=HOT, minReplicaCount=1, idleReplicaCount=0),
    "hot keda that is paused at zero": scaled_object(
        labels=HOT, minReplicaCount=1, annotations={"autoscaling.keda.sh/paused-replicas": "0"}
    ),
    "hot knative without a floor": hot_knative({}),
    "hot knative at one": hot_knative({"autoscaling.knative.dev/min-scale": "1"}),
    "hot knative at zero": hot_knative({"autoscaling.knative.dev/minScale": "0"}),
    # Which image
    **{
        f"image {image}": imaged(image)
        for image in (
            "nginx",
            "nginx:latest",
            "nginx:LATEST",
            "nginx:1.29",
            "reg.corp:5000/nginx",
            "reg.corp:5000/nginx:1",
            f"nginx@{DIGEST}",
            f"nginx:latest@{DIGEST}",
            "nginx@sha256:abc",
            "latest/nginx:1",
            "a:latest/nginx:1",
            "nginx:latest-1",
        )
    },
    "second image": imaged("nginx:1", "nginx"),
    "init container's image": imaged("nginx:1", initContainers=[bare("busybox", "init")]),
    "image volume": imaged("nginx:1", volumes=[{"name": "model", "image": {"reference": "reg.corp/model"}}]),
    "pinned image volume": imaged("nginx:1", volumes=[{"name": "model", "image": {"reference": "reg.corp/model:1"}}]),
    "moving image, exempt": {
        **imaged("nginx"), "metadata": metadata("llama", annotations=exempt("moving-image")),
    },
    "pod's image": pod("nginx"),
    "pod's pinned image": pod("nginx:1"),
    "Job's image": job("nginx"),
    "CronJob's image": cron_job("nginx"),
    "CronJob's pinned image": cron_job("nginx:1"),
    "StatefulSet's image": workload(kind="StatefulSet", pod=template(container("nginx"))),
    "DaemonSet's image": workload(kind="DaemonSet", pod=template(container("nginx"))),
    # What has ended
    "yatai": YATAI,
    "runtime of several models": runtime(True),
    "runtime of one model": runtime(False),
    "service for ModelMesh": inference_service(annotations={MODE: "ModelMesh"}),
    "service in Standard": inference_service(annotations={MODE: "Standard"}),
    **SERVED,
}  # fmt: skip

PASSED = {f"{name} passed": manifest for name, manifest in together.passed().items()}
CORPUS: dict[str, Manifest] = {**together.refused(), **PASSED, **MUTATED}

# Where the two differ, and must: the server fills a field in before it asks its policies.
SERVER_ALONE: dict[str, set[str]] = {
    # KServe's webhook writes the install's mode, here Standard, where none is written.
    "canary without a mode": {"canary-in-standard"},
}
PACK_ALONE: dict[str, set[str]] = {
    # `replicas: 1` cannot be told there from one that was left out for a scaler to own.
    "hot-floor.0": {"hot-floor"},
    # Whether the account has a token only a stack shows.
    "service-account-token.0": {"service-account-token"},
    "service-account-token.1 passed": {"service-account-token"},
    # Which container is the server may hang on its command.
    "readiness of a second container": {"no-readiness"},
}
# What the API refuses by itself, before it asks its policies; the embedded cluster allows nothing privileged.
REFUSED_BY_THE_API = {"min-above-max.1", "privileged", "privileged, of no model"}


def matching(manifest: Manifest) -> list[Rule]:
    """The rules whose part in CEL is about objects of this kind."""
    group, kind = manifest["apiVersion"].rpartition("/")[0], manifest["kind"]
    about = {(group, kind), (group, "")}
    return [rule for rule in RULES if about & {(one.group, one.kind) for part in rule.cel for one in part.resources}]


def written(manifest: Manifest) -> Manifest:
    """The object in the corpus's namespace, with the selector that the server wants to see."""
    made = {**manifest, "metadata": {**manifest["metadata"], "namespace": NAMESPACE}}
    if manifest["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        made["spec"] = {"selector": {"matchLabels": labels}, **manifest["spec"]}
    if manifest["kind"] == "StatefulSet":
        made["spec"]["serviceName"] = "llama"
    return made


def by_the_pack(manifest: Manifest) -> set[str]:
    """The rules by which the pack refuses the object, a stack of its own, of those that the server can judge in it."""
    made = written(manifest)
    (obj,) = objects_of(token(made), made)
    subject, rules = Subject(obj, Settings()), matching(manifest)
    asked = checks(rules, Stack([subject]))
    return {one.rule.name for check in asked for one in check.outcomes() if isinstance(one, Finding)}
