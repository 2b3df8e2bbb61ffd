"""The extra `kserve`: the real controller makes pods that Pod Security restricts, of what runtime and service say.

What its defaults add to a pod, and whose word counts, is what `foundation: kserve` builds on: a new release that does
otherwise is seen here first.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from cluster import images, tools
from cluster.embedded import state
from tests.cluster import kserve_objects as kserve
from tests.cluster.conftest import Embedded, completed, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.extras("kserve")]

TEAM, SHORT, SERVED = "kserve-team", "ml", "smollm2"
MANAGER = "kserve-manager"


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    """The shared cluster with weights and a runtime in a restricted namespace, gone afterwards; a second namespace."""
    with foundations.namespaces(TEAM, SHORT):
        kserve.stage(foundations, TEAM)
        foundations.apply(kserve.runtime(TEAM), kserve.runtime(SHORT))
        yield foundations


@pytest.fixture(scope="module")
def served(cluster: Embedded) -> str:
    """A service that has its word to say wherever its runtime has; ready."""
    probe = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1}
    model = kserve.model(
        SERVED,
        readinessProbe=probe,
        lifecycle={"preStop": {"sleep": {"seconds": 1}}},
        volumeMounts=[{"name": "of-predictor", "mountPath": "/tmp"}],
    )
    service = kserve.inference_service(
        SERVED,
        TEAM,
        model=model,
        labels={"of-predictor": "yes", "of-all": "predictor"},
        annotations={"of-predictor": "yes", "of-all": "predictor"},
        nodeSelector={"kubernetes.io/arch": "amd64"},
        tolerations=[{"key": "of-predictor", "operator": "Exists"}],
        volumes=[{"name": "of-predictor", "emptyDir": {"sizeLimit": "16Mi"}}],
        terminationGracePeriodSeconds=7,
        automountServiceAccountToken=False,
        deploymentStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    )
    service["metadata"]["annotations"][kserve.AUTOSCALER] = "none"
    cluster.apply(service)
    kserve.wait_until_ready(cluster, SERVED, TEAM)
    return SERVED


def refusal(cluster: Embedded, service: dict[str, Any]) -> str:
    """What the API server says to an object that it does not take; "" where it would take it."""
    command = [str(tools.path("kubectl")), "--kubeconfig", str(cluster.kubeconfig), "apply", "--server-side"]
    done = completed([*command, "--dry-run=server", "--filename=-"], check=False, stdin=json.dumps(service))
    return done.stderr if done.returncode else ""


# --- Standard mode ------------------------------------------------------------------------------------------------


def test_pod_behind_an_inference_service_answers_a_chat_request(cluster, served):
    answer = kserve.answered(cluster, TEAM, served)

    assert answer["choices"][0]["message"]["content"]
    assert answer["model"] == served


def test_pod_holds_what_was_asked_for_and_one_variable_more(cluster, served):
    spec = kserve.pod_of(cluster, served, TEAM)["spec"]
    (container,) = spec["containers"]

    assert "initContainers" not in spec
    assert container["image"] == images.reference("llama.cpp")
    assert container["args"] == [*kserve.RUNTIME_ARGUMENTS, "--alias", served], "the runtime's come first"
    assert {one["name"]: one["value"] for one in container["env"]} == {
        "OF_RUNTIME": "yes",
        "OF_BOTH": "service",
        "INFERENCE_SERVICE_NAME": served,
    }
    assert container["resources"] == kserve.RESOURCES
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 1}}}
    assert container["readinessProbe"]["periodSeconds"] == 1
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert spec["securityContext"] == kserve.POD_SECURITY
    assert spec["terminationGracePeriodSeconds"] == 7
    assert "livenessProbe" not in container


def test_predictor_adds_to_maps_of_its_runtime_and_replaces_its_lists(cluster, served):
    spec = kserve.made(cluster, "deployment", f"{served}-predictor", TEAM)["spec"]["template"]["spec"]

    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    assert [one["key"] for one in spec["tolerations"]] == ["of-predictor"]
    assert {volume["name"] for volume in spec["volumes"]} == {"of-runtime", "of-predictor"}, "merged by name"


def test_weights_are_mounted_read_only_and_nothing_else_that_was_not_asked_for(cluster, served):
    pod = kserve.pod_of(cluster, served, TEAM)
    mounts = pod["spec"]["containers"][0]["volumeMounts"]

    assert mounts == [
        {"name": "of-predictor", "mountPath": "/tmp"},
        {"name": "kserve-pvc-source", "mountPath": "/mnt/models", "subPath": kserve.FOLDER, "readOnly": True},
    ]


@pytest.mark.parametrize("kind", ["labels", "annotations"])
def test_word_of_the_predictor_counts_more_than_the_services_and_the_runtimes(cluster, served, kind):
    """All that is written on the service reaches the pod: to change an annotation there is to start pods anew."""
    found = kserve.pod_of(cluster, served, TEAM)["metadata"][kind]

    assert {"of-runtime", "of-service", "of-predictor"} <= found.keys()
    assert found["of-all"] == "predictor"


def test_deployment_rolls_as_the_predictor_says(cluster, served):
    spec = kserve.made(cluster, "deployment", f"{served}-predictor", TEAM)["spec"]

    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    assert spec["selector"]["matchLabels"] == {"app": f"isvc.{served}-predictor"}
    assert spec["progressDeadlineSeconds"] == 600, "the API's own: a service has no field for it"


def test_least_replicas_are_kept_by_class_none_and_left_to_others_by_class_external(cluster):
    replicas = {}
    for autoscaler in ("none", "external"):
        cluster.apply(kserve.unscheduled(autoscaler, TEAM, 2, autoscaler))
        made = kserve.made(cluster, "deployment", f"{autoscaler}-predictor", TEAM)
        replicas[autoscaler] = made["spec"]["replicas"]
    scalers = cluster.get("horizontalpodautoscalers", "-n", TEAM)["items"]
    cluster.kubectl("delete", "inferenceservice", "none", "external", "-n", TEAM)

    assert replicas == {"none": 2, "external": 1}
    assert scalers == []


def test_service_without_a_class_gets_an_autoscaler_on_cpu(cluster):
    cluster.apply(kserve.unscheduled("scaled", TEAM, 1))
    scaler = kserve.made(cluster, "horizontalpodautoscaler", "scaled-predictor", TEAM)
    cluster.kubectl("delete", "inferenceservice", "scaled", "-n", TEAM)

    assert scaler["spec"]["metrics"][0]["resource"]["name"] == "cpu"


def test_pod_that_pod_security_refuses_is_named_with_the_reason_on_the_service(cluster):
    cluster.apply(kserve.inference_service("lax", TEAM, securityContext={}))

    assert eventually("it says why", lambda: "runAsNonRoot != true" in kserve.why_not_ready(cluster, "lax", TEAM))
    cluster.kubectl("delete", "inferenceservice", "lax", "-n", TEAM)


@pytest.mark.parametrize("where", [TEAM, SHORT])
def test_name_is_at_most_what_host_name_and_label_have_room_for(cluster, where):
    """Both are made whether used or not: `NAME-predictor-NAMESPACE` as a part of a host, `isvc.NAME-predictor`."""
    longest = "n" * min(63 - len(f"-predictor-{where}"), 63 - len("isvc.-predictor"))
    for name in (longest, f"{longest}n"):
        cluster.apply(kserve.unscheduled(name, where, 1, "none"))
    kserve.made(cluster, "deployment", f"{longest}-predictor", where)

    said = eventually("it says why", lambda: kserve.why_not_ready(cluster, f"{longest}n", where))
    assert "must be no more than 63" in said
    cluster.kubectl("delete", "inferenceservice", longest, f"{longest}n", "-n", where)


def test_service_that_names_no_mode_is_in_standard_mode(cluster):
    service = kserve.unscheduled("plain", TEAM, 1, "none")
    del service["metadata"]["annotations"][f"{kserve.GROUP}/deploymentMode"]
    cluster.apply(service)

    assert kserve.made(cluster, "deployment", "plain-predictor", TEAM)
    cluster.kubectl("delete", "inferenceservice", "plain", "-n", TEAM)


# --- Knative mode, and what is refused ----------------------------------------------------------------------------


def test_service_in_knative_mode_becomes_a_knative_service_with_its_scale(cluster):
    service = kserve.inference_service("revised", TEAM, "Knative", minReplicas=0, maxReplicas=3)
    service["metadata"]["finalizers"] = [kserve.FINALIZER]
    cluster.apply(service)
    spec = kserve.made(cluster, "services.serving.knative.dev", "revised-predictor", TEAM)["spec"]
    cluster.kubectl("delete", "inferenceservice", "revised", "-n", TEAM)
    annotations = spec["template"]["metadata"]["annotations"]
    (container,) = spec["template"]["spec"]["containers"]

    assert container["image"] == images.reference("llama.cpp")
    assert container["args"] == [*kserve.RUNTIME_ARGUMENTS, "--alias", "revised"]
    assert annotations["autoscaling.knative.dev/min-scale"] == "0"
    assert annotations["autoscaling.knative.dev/max-scale"] == "3"
    assert spec["traffic"] == [{"latestRevision": True, "percent": 100}]


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_service_of_more_replicas_at_least_than_at_most_is_refused(cluster, mode):
    service = kserve.inference_service("wrong", TEAM, mode, minReplicas=3, maxReplicas=1)

    assert "'MinReplicas' cannot be greater than MaxReplicas" in refusal(cluster, service)


def test_mode_of_a_service_can_not_be_changed(cluster, served):
    assert "deploymentMode cannot be changed" in refusal(cluster, kserve.inference_service(served, TEAM, "Knative"))


def test_llm_inference_service_is_judged_by_its_definition_and_by_its_controller(cluster):
    """The controller's webhook fills in what is missing before the definition sees it: `uri`, too, as an empty text."""
    model = {"name": "smollm2", "uri": f"pvc://{kserve.CLAIM}/{kserve.FOLDER}"}
    right = kserve.llm_inference_service("right", TEAM, model)
    negative, schedulerless = (deepcopy(right) for _ in range(2))
    negative["spec"]["replicas"] = -1
    schedulerless["spec"]["router"]["scheduler"] = {"replicas": 0}

    assert refusal(cluster, right) == ""
    assert "spec.replicas in body should be greater than or equal to 0" in refusal(cluster, negative)
    assert "scheduler replicas must be greater than zero" in refusal(cluster, schedulerless)


# --- faults -------------------------------------------------------------------------------------------------------


def test_killed_manager_is_back_after_up_and_judges_and_makes_again(cluster, served):
    before = cluster.components()[MANAGER].pid
    cluster.inside("kill", "-KILL", str(before))
    eventually("its death is seen", lambda: cluster.components()[MANAGER].pid != before)
    cluster.up()
    cluster.apply(kserve.unscheduled("later", TEAM, 1, "none"))

    assert kserve.made(cluster, "deployment", "later-predictor", TEAM)
    cluster.kubectl("delete", "inferenceservice", "later", "-n", TEAM)


@pytest.mark.parametrize(
    "gone",
    [
        ("deployment", "kserve-controller-manager", "--namespace=kserve"),
        ("validatingwebhookconfiguration", "inferenceservice.serving.kserve.io"),
    ],
    ids=lambda each: each[0],
)
def test_object_that_was_deleted_is_back_after_up(cluster, gone):
    cluster.kubectl("delete", *gone)
    cluster.up()

    assert cluster.get(*gone)


def test_cluster_that_was_killed_serves_the_model_again_after_up(cluster, served):
    identity = cluster.get("inferenceservice", served, "-n", TEAM)["metadata"]["uid"]
    os.kill(cluster.supervisor, signal.SIGKILL)
    eventually("it is gone", lambda: state.supervisor(cluster.root) is None)
    cluster.up()
    eventually("the model answers", lambda: answers(cluster, served))

    assert cluster.get("inferenceservice", served, "-n", TEAM)["metadata"]["uid"] == identity


def answers(cluster: Embedded, name: str) -> bool:
    """By the Service's address, from inside: a port-forward would wait for a pod that is not there yet."""
    address = cluster.get("service", f"{name}-predictor", "-n", TEAM)["spec"]["clusterIP"]
    return "ok" in cluster.inside("curl", "-s", "--max-time", "2", f"http://{address}/health", check=False)
