"""The local stack, end to end: a real engine behind its URL, its weights, its failures."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import openai
import pytest

from substrate.facts.engines import LLAMA_CPP
from tests.cluster.conftest import PATIENCE, eventually
from tests.e2e.harness import ROOT, STAGING_LABEL, Project
from tests.registry import assert_known
from tests.stacks import plan_of, server

pytestmark = [pytest.mark.cluster]

MODEL = "smollm2-135m"
SERVED = "smollm2-135m-instruct"
NAMESPACE = "home"
LONG = 400  # tokens of an answer: seconds of work
PODS = ("pods", "--namespace", NAMESPACE, "--selector", f"substrate.dev/model={MODEL}")


def client(project: Project) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{project.endpoints()[MODEL]}/v1", api_key="none", max_retries=0, timeout=PATIENCE)


def ask(project: Project, **options: Any) -> Any:
    messages = [{"role": "user", "content": "Say hello."}]
    return client(project).chat.completions.create(model=SERVED, messages=messages, max_tokens=16, **options)


def ready_pod(project: Project) -> dict[str, Any] | None:
    pods = [pod for pod in project.objects(*PODS) if "deletionTimestamp" not in pod["metadata"]]
    ready = [pod for pod in pods if condition(pod, "Ready")]
    return ready[0] if ready else None


def condition(pod: dict[str, Any], kind: str) -> bool:
    return any(found["type"] == kind and found["status"] == "True" for found in pod["status"].get("conditions", []))


def staging_starts(project: Project) -> dict[str, str]:
    """When each staging pod started, by its uid: a pod more means that something was staged again."""
    pods = project.objects("pods", "--namespace", NAMESPACE, "--selector", STAGING_LABEL)
    return {pod["metadata"]["uid"]: pod["status"].get("startTime", "") for pod in pods}


def test_endpoint_is_a_url_on_the_host_itself(local):
    assert local.endpoints() == {MODEL: f"http://127.0.0.1:8080/{MODEL}"}


def test_openai_client_gets_an_answer(local):
    assert ask(local).choices[0].message.content.strip()


def test_openai_client_gets_a_stream_token_by_token(local):
    parts = [chunk.choices[0].delta.content for chunk in ask(local, stream=True) if chunk.choices]

    assert len([part for part in parts if part]) > 3


def test_no_request_that_follows_a_streamed_answer_is_lost(local):
    """llama-server ends the connection after one, and a gateway that uses it again answers 502 for one in fourteen."""
    for _ in range(40):
        assert [*ask(local, stream=True)]


def test_models_endpoint_lists_the_catalogues_name(local):
    assert [model.id for model in client(local).models.list()] == [SERVED]


def test_one_address_lists_the_models_and_sends_a_request_where_it_says(local):
    url = local.output("frontDoor")
    at_the_door = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=60)
    messages = [{"role": "user", "content": "Say hello."}]
    said = {"model": SERVED, "messages": messages, "max_tokens": 16}

    assert url == "http://127.0.0.1:8080/v1"
    assert [model.id for model in at_the_door.models.list()] == [SERVED]
    assert at_the_door.chat.completions.create(**said).choices[0].message.content.strip()
    chunks = [chunk.choices[0].delta.content for chunk in at_the_door.chat.completions.create(**said, stream=True)]
    assert len([chunk for chunk in chunks if chunk]) > 3
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        at_the_door.chat.completions.create(**{**said, "model": MODEL})


def test_second_up_changes_nothing(local):
    shown = local.up("local").stdout

    assert re.search(r"Resources:\s+\d+ unchanged", shown), shown
    assert "warning" not in shown
    assert not re.search(r"\d+ (created|updated|replaced|deleted)", shown), shown


def test_refresh_shows_no_drift(local):
    shown = local.pulumi("refresh", "--stack", "local", "--preview-only", "--expect-no-changes")

    assert "unchanged" in shown.stdout


def test_namespace_enforces_restricted_and_our_pods_pass(local):
    namespace = local.objects("namespaces", "--selector", "substrate.dev/team=home")[0]

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert ready_pod(local)


def test_engine_exposes_the_metrics_that_the_registry_lists(local):
    pod = ready_pod(local)
    assert pod
    address = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}:8080/proxy/metrics"

    assert_known(local.kubectl("get", "--raw", address), LLAMA_CPP)


def test_deleted_pod_comes_back_from_the_volume_within_its_budget(local):
    """The budget is the startup probe's: a start that exceeds it is ended, and counted as another one."""
    old, staged = ready_pod(local), staging_starts(local)
    assert old
    local.kubectl("delete", "pod", old["metadata"]["name"], "--namespace", NAMESPACE, "--wait=false")

    def successor() -> dict[str, Any] | None:
        pod = ready_pod(local)
        return pod if pod and pod["metadata"]["uid"] != old["metadata"]["uid"] else None

    pod = eventually("a new pod is ready", successor)
    eventually("the Gateway knows it", lambda: ask(local).choices)
    assert staging_starts(local) == staged, "something was downloaded again"
    (container,), (status,) = pod["spec"]["containers"], pod["status"]["containerStatuses"]
    probe, budget = container["startupProbe"], server(plan_of("local"), MODEL).startup.budget
    assert 0 <= probe["periodSeconds"] * probe["failureThreshold"] - budget < probe["periodSeconds"]
    assert status["restartCount"] == 0


def test_answer_in_flight_survives_the_deletion_of_its_pod(local):
    """llama.cpp answers nothing after SIGTERM: only the drain before it can save this request."""
    pod = eventually("a pod is ready", lambda: ready_pod(local))
    eventually("the Gateway knows it", lambda: ask(local).choices)
    messages: Any = [{"role": "user", "content": "Count from one to three hundred in words."}]
    options: Any = {"model": SERVED, "messages": messages, "max_tokens": LONG, "extra_body": {"ignore_eos": True}}
    answer = client(local).chat.completions.create(stream=True, **options)
    first = next(answer)
    local.kubectl("delete", "pod", pod["metadata"]["name"], "--namespace", NAMESPACE, "--wait=false")
    parts = [first, *answer]

    assert len(parts) > LONG / 2
    assert parts[-1].choices[0].finish_reason == "length"
    eventually("another pod serves", lambda: ask(local).choices)


def test_wrong_digest_fails_the_update_and_the_running_pod_still_answers(edited):
    right = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    wrong = right[:-1] + "4"
    edited.edit("Pulumi.local.yaml", right, wrong)
    failed = edited.up("local", check=False)
    said = failed.stdout + failed.stderr

    assert failed.returncode != 0
    assert all(part in said for part in ("model.gguf", wrong, right)), said
    assert ask(edited).choices
    assert published(edited) == [plan_of("local").claims[0].weights[0].digest]


def published(project: Project) -> list[str]:
    """The complete sets on the volume, read where the node keeps it: inside the cluster's namespaces."""
    volume = project.objects("persistentvolumeclaims", "--namespace", NAMESPACE)[0]["spec"]["volumeName"]
    described = project.objects("persistentvolumes", "--field-selector", f"metadata.name={volume}")[0]["spec"]
    listed = subprocess.run(
        [sys.executable, "-m", "cluster", "exec", "--", "ls", described["hostPath"]["path"]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [name for name in listed if not name.startswith(".")]


def test_cpu_autoscaler_for_a_model_is_refused_in_the_preview(copied):
    copied.folder.joinpath("__main__.py").open("a").write(CPU_AUTOSCALER)
    refused = copied.pulumi("preview", "--stack", "local", "--policy-pack", "policies", check=False)

    assert refused.returncode != 0
    assert "cpu" in refused.stdout.lower() and "in flight" in refused.stdout, refused.stdout


CPU_AUTOSCALER = """
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler

TARGET = {"type": "Utilization", "averageUtilization": 80}
HorizontalPodAutoscaler(
    "cpu",
    metadata={"name": "smollm2-135m", "namespace": "home"},
    spec={
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "smollm2-135m-plain"},
        "minReplicas": 1,
        "maxReplicas": 2,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": TARGET}}],
    },
    opts=on_cluster,
)
"""


def test_hot_model_with_min_zero_is_refused_in_the_preview(copied):
    copied.edit(
        "Pulumi.local.yaml", "      cpus: 1\n", "      cpus: 1\n      tier: hot\n      replicas: {min: 0, max: 1}\n"
    )
    refused = copied.pulumi("preview", "--stack", "local", "--policy-pack", "policies", check=False)

    assert refused.returncode != 0
    assert "Pulumi.local.yaml" in refused.stdout and "hot" in refused.stdout, refused.stdout
    assert "Traceback" not in refused.stdout


def test_destroy_keeps_the_weights_and_the_next_up_stages_nothing(local):
    claim = ("persistentvolumeclaims", "--namespace", NAMESPACE)
    before = local.objects(*claim)[0]["metadata"]["uid"]
    local.pulumi("destroy", "--stack", "local", "--yes", "--skip-preview")

    assert local.objects("deployments", "--namespace", NAMESPACE) == []
    assert local.objects(*claim)[0]["metadata"]["uid"] == before
    node = local.objects("nodes", "--selector", "kubernetes.io/hostname=engine-local")[0]
    assert not [label for label in node["metadata"]["labels"] if label.startswith("substrate.dev/")]

    local.up("local")
    assert local.objects(*claim)[0]["metadata"]["uid"] == before
    log = local.kubectl("logs", "--namespace", NAMESPACE, "--selector", STAGING_LABEL, "--tail=5")
    assert "complete" in log, log


def test_prometheus_whose_namespace_is_not_there_is_refused_before_anything_is_made(copied):
    there = "prometheus: http://prometheus.monitoring:9090"
    copied.edit("Pulumi.local.yaml", there, "prometheus: http://prometheus.nowhere:9090, namespace: nowhere")
    refused = copied.up("local", "--preview", check=False)
    said = refused.stdout + refused.stderr

    assert refused.returncode != 0
    assert "nowhere of substrate:monitoring" in said and "resource 'nowhere' does not exist" in said


def test_cluster_without_kserve_is_refused_before_anything_is_made(copied, local):
    copied.edit("Pulumi.local.yaml", "      engine: llama.cpp\n", "      engine: llama.cpp\n      foundation: kserve\n")
    refused = copied.up("local", check=False)
    made = local.objects("deployments", "--namespace", NAMESPACE)

    assert refused.returncode != 0
    assert "inferenceservices.serving.kserve.io" in refused.stdout + refused.stderr
    assert [found["metadata"]["name"] for found in made] == [f"{MODEL}-plain"]
