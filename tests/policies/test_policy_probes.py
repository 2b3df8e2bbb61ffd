"""A model's pods are asked before they serve, have the time that a load takes, and the time to finish."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import RESOURCE, UNKNOWN, topic
from tests.policies.written import (
    LLM,
    VLLM,
    bare,
    container,
    inference_service,
    knative,
    metadata,
    probe,
    template,
    workload,
)

judge, violations, only = topic("probes")

Manifest = dict[str, Any]
BUDGET = "substrate.dev/cold-start-budget"
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}


def pod(*containers: Manifest, kind: str = "Deployment", version: str = "apps/v1", **spec: Any) -> Manifest:
    return workload(pod=template(*(containers or (container(),)), **spec), kind=kind, version=version)


def group(worker: Manifest, **leader: Any) -> Manifest:
    pods = {"leaderTemplate": template(container(**leader)), "workerTemplate": worker}
    made = workload(kind="LeaderWorkerSet", version="leaderworkerset.x-k8s.io/v1")
    return {**made, "spec": {"leaderWorkerTemplate": pods}}


UNASKED = {"readinessProbe": None}
BLIND: dict[str, tuple[Manifest, str]] = {
    "no probe": (pod(container(**UNASKED)), "container engine of spec.template.spec has no readinessProbe"),
    "a sidecar's alone": (
        pod(container(**UNASKED), bare("envoyproxy/envoy:v1.36.2", "proxy", readinessProbe=probe())),
        "container engine of",
    ),
    "an init container's alone": (
        pod(container(**UNASKED), initContainers=[bare("corp/log:1", "log", readinessProbe=probe())]),
        "container engine of",
    ),
    "known by its label only": (
        workload(pod=template(container("corp/x:1", **UNASKED)), labels=LLM),
        "container engine of",
    ),
    "known by its label only, of several": (
        workload(pod=template(bare("corp/log:1", "log"), container("corp/x:1", **UNASKED)), labels=LLM),
        "container engine of",
    ),
    "a StatefulSet": (pod(container(**UNASKED), kind="StatefulSet"), "has no readinessProbe"),
    "a leader": (group(template(container()), **UNASKED), "leaderTemplate.spec has no readinessProbe"),
    "a leader that is a worker": (
        {
            **group(template()),
            "spec": {"leaderWorkerTemplate": {"workerTemplate": template(container(**UNASKED))}},
        },
        "workerTemplate.spec has no readinessProbe",
    ),
    "a bare Pod": (
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata("llama"), "spec": template(bare(VLLM))["spec"]},
        "container main of spec has no readinessProbe",
    ),
    "a Rollout": (pod(container(**UNASKED), kind="Rollout", version="argoproj.io/v1alpha1"), "has no readinessProbe"),
}


@pytest.mark.parametrize(("manifest", "found"), BLIND.values(), ids=BLIND.keys())
def test_server_that_nobody_asks_is_refused(manifest: Manifest, found: str) -> None:
    assert found in only(manifest)


ASKED: dict[str, Manifest] = {
    "over HTTP": pod(),
    "by a program": pod(container(readinessProbe={"exec": {"command": ["true"]}})),
    "a batch Job": pod(container(**UNASKED), kind="Job", version="batch/v1"),
    "a nightly one": {
        **workload(kind="CronJob", version="batch/v1"),
        "spec": {"jobTemplate": {"spec": {"template": template(container(**UNASKED))}}},
    },
    "a worker of a group": group(template(container(**UNASKED))),
    "Knative, which asks the port": {**knative({}), "spec": {"template": template(container(**UNASKED))}},
    "KServe, which asks the port": inference_service(annotations=STANDARD),
    "Ray, whose operator asks": {
        **workload(kind="RayService", version="ray.io/v1"),
        "spec": {"rayClusterConfig": {"headGroupSpec": {"template": template(container(**UNASKED))}}},
    },
    "a web server": workload(pod={"spec": {"containers": [bare("nginx:1.29")]}}),
}


@pytest.mark.parametrize("manifest", ASKED.values(), ids=ASKED.keys())
def test_server_that_is_asked_or_answers_nobody_passes(manifest: Manifest) -> None:
    assert judge(manifest) == []


def loading(budget: str | None = "600s", **probes: Manifest | None) -> Manifest:
    manifest = pod(container(**{"startupProbe": None, "livenessProbe": None, **probes}))
    told = {} if budget is None else {BUDGET: budget}
    manifest["spec"]["template"]["metadata"]["annotations"] = told
    return manifest


IMPATIENT: dict[str, tuple[Manifest, str]] = {
    "too few failures": (
        loading(startupProbe=probe(periodSeconds=10, failureThreshold=30)),
        "startupProbe of container engine gives up after 300 s, and the load may take 600 s",
    ),
    "the API's defaults": (loading("31s", startupProbe=probe()), "gives up after 30 s"),
    "no startup probe": (
        loading(livenessProbe=probe(initialDelaySeconds=60)),
        "livenessProbe of container engine, which no startupProbe holds back, gives up after 90 s",
    ),
    "in minutes": (loading("10m", startupProbe=probe(periodSeconds=599, failureThreshold=1)), "may take 600 s"),
    "in two units": (loading("1h30m", startupProbe=probe(periodSeconds=60, failureThreshold=60)), "may take 5400 s"),
    "KServe's, as far as it says": (
        inference_service(
            {"model": {"modelFormat": {"name": "vLLM"}, "args": [], "startupProbe": probe(failureThreshold=5)}}
        ),
        "startupProbe of container model gives up after 50 s",
    ),
    "a leader": (group(template(container()), startupProbe=probe(failureThreshold=6)), "gives up after 60 s"),
}


@pytest.mark.parametrize(("manifest", "found"), IMPATIENT.values(), ids=IMPATIENT.keys())
def test_probe_that_ends_a_load_is_refused(manifest: Manifest, found: str) -> None:
    assert found in only(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        loading(startupProbe=probe(periodSeconds=10, failureThreshold=60)),
        loading(startupProbe=probe(initialDelaySeconds=580, periodSeconds=10, failureThreshold=2)),
        loading(startupProbe=probe(failureThreshold=60), livenessProbe=probe(failureThreshold=1)),
        loading(livenessProbe=probe(initialDelaySeconds=570)),
        loading(),
        loading(None),
        pod(container(startupProbe=probe(failureThreshold=1)), kind="Job", version="batch/v1"),
        group(template(container(livenessProbe=probe(failureThreshold=1), startupProbe=None))),
        inference_service(annotations=STANDARD),
        workload(pod={"spec": {"containers": [bare("nginx:1.29", livenessProbe=probe())]}}),
    ],
)
def test_load_that_has_its_time_passes(manifest: Manifest) -> None:
    assert judge(manifest) == []


def test_budget_of_the_workload_counts_where_its_pods_say_none() -> None:
    manifest = loading(None, startupProbe=probe())
    manifest["metadata"]["annotations"] = {BUDGET: "600s"}

    assert "gives up after 30 s" in only(manifest)


@pytest.mark.parametrize(("budget", "why"), [(None, "is missing"), ("soon", "is no duration")])
def test_budget_that_nobody_says_is_not_passed(budget: str | None, why: str) -> None:
    (told,) = judge(loading(budget, startupProbe=probe()))

    assert f"rule startup-budget is not applicable to Deployment ml/llama: annotation {BUDGET} {why}" in told.message
    assert not told.mandatory


def ending(grace: int | None, hook: Manifest | None, *args: str, **fields: Any) -> Manifest:
    engine = container(args=list(args), lifecycle={"preStop": hook} if hook else None, **fields)
    return pod(engine, terminationGracePeriodSeconds=grace)


def sleep(*command: str) -> Manifest:
    return {"exec": {"command": list(command)}}


NATIVE = {"sleep": {"seconds": 30}}
HASTY: dict[str, tuple[Manifest, str]] = {
    "the default": (ending(None, NATIVE), "terminationGracePeriodSeconds is 30, the default, and"),
    "equal": (ending(30, NATIVE), "terminationGracePeriodSeconds is 30 and preStop hook, drain and exit take 35"),
    "a program": (ending(60, sleep("sleep", "60")), "take 65"),
    "a program by its path": (ending(60, sleep("/bin/sleep", "1m")), "take 65"),
    "a script": (ending(30, sleep("/bin/sh", "-c", "nginx -s quit; sleep 20 && sleep 10")), "take 35"),
    "Python": (ending(30, sleep("python3", "-c", "import time; time.sleep(30)")), "take 35"),
    "vLLM's drain": (ending(30, None, "--shutdown-timeout=60"), "take 65"),
    "hook and drain": (ending(60, NATIVE, "--shutdown-timeout", "30"), "take 65"),
    "TGI's drain": (ending(None, None, "--graceful-termination-timeout=90"), "take 95"),
    "Triton's drain": (ending(30, None, "--exit-timeout-secs=30"), "take 35"),
    "nothing left": (ending(0, None), "terminationGracePeriodSeconds is 0 and"),
    "a sidecar's": (
        pod(container(), bare("corp/log:1", "log", lifecycle={"preStop": NATIVE}), terminationGracePeriodSeconds=None),
        "take 35",
    ),
    "a StatefulSet": (
        pod(container(lifecycle={"preStop": NATIVE}), kind="StatefulSet", terminationGracePeriodSeconds=20),
        "is 20 and",
    ),
}


@pytest.mark.parametrize(("manifest", "found"), HASTY.values(), ids=HASTY.keys())
def test_grace_that_ends_before_the_drain_is_refused(manifest: Manifest, found: str) -> None:
    assert found in only(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        ending(60, NATIVE),
        ending(None, {"sleep": {"seconds": 15}}),
        ending(None, None),
        ending(120, sleep("/bin/sh", "-c", "while busy; do sleep 1; done")),
        ending(None, {"httpGet": {"path": "/drain", "port": 80}}),
        pod(container(args=["--shutdown-timeout=90"]), kind="Job", version="batch/v1", terminationGracePeriodSeconds=1),
        {
            **knative({}),
            "spec": {
                "template": template(container(args=["--shutdown-timeout=90"]), terminationGracePeriodSeconds=None)
            },
        },
        workload(pod={"spec": {"containers": [bare("nginx:1.29", lifecycle={"preStop": NATIVE})]}}),
    ],
)
def test_grace_beyond_the_drain_passes(manifest: Manifest) -> None:
    assert violations(manifest) == []


@pytest.mark.parametrize(
    "manifest",
    [
        pod(container(readinessProbe=UNKNOWN)),
        loading(startupProbe=probe(failureThreshold=UNKNOWN)),
        ending(30, {"sleep": {"seconds": UNKNOWN}}),
    ],
)
def test_value_that_only_the_update_knows_is_told(manifest: Manifest) -> None:
    (told,) = [one for one in judge(manifest) if one.policy == RESOURCE]

    assert "can't run policy" in told.message and not told.mandatory
