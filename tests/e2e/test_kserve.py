"""KServe's real controller: one word moves a model there and back under load; what cannot be done is refused before."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from substrate.manifests import kserve
from tests.cluster.conftest import eventually
from tests.e2e import kserve_parts
from tests.e2e.clients import Asking
from tests.e2e.harness import STAGING_LABEL, Project, assert_unchanged
from tests.stacks import document, plan_document, server

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "kserve", "kserve-llm")]

MODEL = "smollm2-135m"
SERVED = "smollm2-135m-instruct"
NAMESPACE = "home"
ENGINE = "      engine: llama.cpp\n"
SHARD = "model.safetensors"


@pytest.fixture(scope="module")
def project(lab_project: Project) -> Project:
    """The local stack on the shared cluster, up on the plain foundation; gone afterwards."""
    lab_project.up("local")
    return lab_project


def move(project: Project, foundation: str, settings: str = "") -> None:
    """Change one word in the stack file (and what else a test says)."""
    path = project.folder / "Pulumi.local.yaml"
    kept = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith(MARKED)]
    path.write_text("".join(kept).replace(ENGINE, f"{ENGINE}{MARKED[0]} {foundation}\n{settings}"))


MARKED = ("      foundation:", "      downtime:", "      kserve:")


def bring(project: Project, foundation: str) -> None:
    """The model on that foundation, with an update only where it is not there yet."""
    there = project.output("foundations")
    move(project, foundation)
    if there[MODEL] != foundation:
        project.up("local")


def staged(project: Project) -> set[str]:
    pods = project.objects("pods", "--namespace", NAMESPACE, "--selector", STAGING_LABEL)
    return {pod["metadata"]["uid"] for pod in pods}


def claims(project: Project) -> set[str]:
    return {claim["metadata"]["uid"] for claim in project.objects("persistentvolumeclaims", "--namespace", NAMESPACE)}


def workloads(project: Project) -> set[str]:
    kinds = "deployments.apps,inferenceservices.serving.kserve.io"
    return {
        f"{found['kind']}/{found['metadata']['name']}" for found in project.objects(kinds, "--namespace", NAMESPACE)
    }


def test_move_on_a_full_pool_is_refused_with_the_word_that_allows_it(project):
    bring(project, "plain")
    project.edit("Pulumi.local.yaml", "nodeCpus: 2", "nodeCpus: 1")
    try:
        move(project, "kserve")
        refused = project.up("local", check=False)
        said = refused.stdout + refused.stderr

        assert refused.returncode != 0
        assert f"model {MODEL} moves from plain to kserve; its pool cpu has room for 0 of the 1 replicas" in said
        assert "downtime: allow" in said
        assert workloads(project) == {f"Deployment/{MODEL}-plain"}
    finally:
        project.edit("Pulumi.local.yaml", "nodeCpus: 1", "nodeCpus: 2")


def test_controller_of_another_version_is_refused_before_anything_is_made(project):
    image = "kserve/kserve-controller:v0.19.0"
    bring(project, "plain")
    set_image(project, "kserve/kserve-controller:v0.14.1")
    try:
        move(project, "kserve")
        refused = project.up("local", check=False)
    finally:
        set_image(project, image)

    assert refused.returncode != 0
    assert "KServe 0.14 is installed" in refused.stdout + refused.stderr
    assert workloads(project) == {f"Deployment/{MODEL}-plain"}


def test_llm_inference_service_without_its_controller_is_refused_before_anything_is_made(project, llm_controller_gone):
    """Its definition comes with KServe's others; the controller is one of its own."""
    bring(project, "plain")
    path = project.folder / "Pulumi.local.yaml"
    before = path.read_text()
    data = yaml.safe_load(before)
    files = {name: {"sha256": "a" * 63 + end, "size": "1Mi"} for name, end in (("config.json", "1"), (SHARD, "2"))}
    weights = {"from": "s3://models/other/", "files": files}
    own = {"foundation": "kserve", "kserve": {"resource": "LLMInferenceService"}}
    other = {"pool": "cpu", "engine": "vllm", "context": 512, "cpus": 1, "weights": weights, **own}
    data["config"]["substrate:models"]["other"] = other
    data["config"]["substrate:pools"]["cpu"] |= {"nodeCpus": 8, "nodeMemory": "64Gi"}
    try:
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        refused = project.up("local", check=False)
    finally:
        path.write_text(before)

    assert refused.returncode != 0
    assert "llmisvc-controller-manager" in refused.stdout + refused.stderr
    assert workloads(project) == {f"Deployment/{MODEL}-plain"}


@pytest.fixture
def llm_controller_gone(project: Project) -> Iterator[None]:
    """Its Deployment, which has no pods here and is the record of what is installed; back afterwards."""
    name = ("deployment/llmisvc-controller-manager", "--namespace=kserve")
    found = json.loads(project.kubectl("get", *name, "--output=json"))
    kept = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
    manifest = project.folder / "controller.json"
    manifest.write_text(json.dumps({**found, "metadata": kept, "status": {}}))
    project.kubectl("delete", *name)
    yield
    project.kubectl("create", f"--filename={manifest}")


def set_image(project: Project, image: str) -> None:
    project.kubectl("set", "image", "deployment/kserve-controller-manager", f"manager={image}", "--namespace=kserve")


def test_knative_service_that_kserve_makes_has_the_models_pod_and_scale(project, tmp_path):
    """Knative's own controllers do not run here: what KServe asks of them is looked at, and no pod comes of it."""
    data = document("local")
    data["config"]["substrate:models"] = {
        "revised": {
            **data["config"]["substrate:models"][MODEL],
            "foundation": "kserve",
            "kserve": {"mode": "Knative", "canaryTrafficPercent": 10},
        }
    }
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    plan = plan_document(data, tmp_path, "knative")
    one = server(plan, "revised")
    assert one.kserve and plan.kserve
    objects = [*map(kserve.serving_runtime, plan.kserve.runtimes), kserve.inference_service(one, one.kserve)]
    manifest = tmp_path / "objects.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    project.kubectl("apply", "--server-side", f"--filename={manifest}")
    try:
        (made,) = eventually(
            "KServe made a Knative Service", lambda: project.objects("services.serving.knative.dev", "-n", NAMESPACE)
        )
    finally:
        project.kubectl("delete", f"--filename={manifest}", "--wait=true")
    template = made["spec"]["template"]
    (container,) = template["spec"]["containers"]

    assert container["image"] == one.engine.image
    assert container["args"] == list(one.engine.args)
    assert template["metadata"]["annotations"]["autoscaling.knative.dev/min-scale"] == "1"
    assert template["metadata"]["annotations"]["autoscaling.knative.dev/max-scale"] == "1"
    assert template["metadata"]["labels"]["substrate.dev/model"] == "revised"


def test_kserve_itself_refuses_what_is_no_service(project, tmp_path):
    """The webhook is in the path, so what passes above has been judged by it."""
    wrong = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "wrong", "namespace": NAMESPACE},
        "spec": {"predictor": {"minReplicas": 3, "maxReplicas": 1, "model": {"modelFormat": {"name": "llama-cpp"}}}},
    }
    manifest = tmp_path / "wrong.json"
    manifest.write_text(json.dumps(wrong))
    refused = project.run("kubectl", "apply", f"--filename={manifest}", check=False)

    assert refused.returncode != 0
    assert "denied the request" in refused.stderr


@pytest.fixture(scope="module")
def before(project: Project) -> tuple[set[str], set[str], dict[str, str]]:
    """What of the model no move may change, as it was."""
    bring(project, "plain")
    return staged(project), claims(project), project.endpoints()


@dataclass(frozen=True)
class Moved:
    """What was seen of a model that was moved to KServe and back while somebody asked it all the time."""

    asking: Asking
    again: str  # what a second update on KServe would change
    pod: dict[str, Any]
    there: set[str]  # the workloads on KServe
    autoscalers: list[dict[str, Any]]


@pytest.fixture(scope="module")
def moved(project: Project) -> Moved:
    bring(project, "plain")
    with Asking(project.endpoints()[MODEL], SERVED) as asking:
        asking.wait()
        move(project, "kserve")
        project.up("local")
        asking.wait()
        there, pod = workloads(project), served_by(project)
        again = project.up("local", "--preview").stdout
        autoscalers = project.objects("horizontalpodautoscalers", "--namespace", NAMESPACE)
        move(project, "plain")
        project.up("local")
        asking.wait()
    return Moved(asking, again, pod, there, autoscalers)


def test_one_word_moves_a_model_to_kserve_and_back_and_no_request_fails(project, before, moved):
    assert moved.there == {f"InferenceService/{MODEL}-kserve", f"Deployment/{MODEL}-kserve-predictor"}
    assert workloads(project) == {f"Deployment/{MODEL}-plain"}
    assert moved.pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"] == f"{MODEL}-kserve"
    assert moved.asking.failed == []
    assert (staged(project), claims(project), project.endpoints()) == before, "something was staged again"


def test_second_up_on_kserve_changes_nothing_and_kserve_made_no_autoscaler(moved):
    assert_unchanged(moved.again)
    assert moved.autoscalers == []


def test_pod_of_kserve_reads_the_claim_and_can_not_write_it(moved):
    spec = moved.pod["spec"]
    (container,) = spec["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}

    assert "initContainers" not in spec
    assert mounts["/mnt/models"]["readOnly"]
    assert container["resources"]["limits"]["memory"] != "2Gi"


def served_by(project: Project) -> dict[str, Any]:
    """The model's pod; one that drains serves nobody new."""
    found = project.objects("pods", "--namespace", NAMESPACE, "--selector", f"substrate.dev/model={MODEL}")
    (pod,) = (each for each in found if "deletionTimestamp" not in each["metadata"])
    return pod


@pytest.fixture
def full_node(project: Project) -> Iterator[None]:
    with neighbour(project):
        yield


@contextmanager
def neighbour(project: Project) -> Iterator[None]:
    """All but one replica's cores are taken by somebody else, as on a machine with one GPU."""
    free = "1500m"
    allocatable = project.objects("nodes")[0]["status"]["allocatable"]["cpu"]
    taken = int(allocatable) * 1000 - int(free[:-1])
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "neighbour", "namespace": "default"},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": "substrate.local/pause:3",
                    "imagePullPolicy": "Never",
                    "resources": {"requests": {"cpu": f"{taken}m"}},
                }
            ]
        },
    }
    manifest = project.folder / "neighbour.json"
    manifest.write_text(json.dumps(pod))
    project.kubectl("apply", f"--filename={manifest}")
    try:
        yield
    finally:
        project.kubectl("delete", "--namespace=default", "pod/neighbour", "--wait=true", "--grace-period=1")


def test_move_on_a_full_pool_takes_the_model_away_and_brings_it_back_where_downtime_is_allowed(project, full_node):
    """That it starts within the plan's budget is the startup probe's to judge: it would have been started again."""
    bring(project, "plain")
    project.edit("Pulumi.local.yaml", "nodeCpus: 2", "nodeCpus: 1")
    try:
        move(project, "kserve", "      downtime: allow\n")
        with Asking(project.endpoints()[MODEL], SERVED) as asking:
            done = project.up("local")
            asking.wait()
        (status,) = served_by(project)["status"]["containerStatuses"]
    finally:
        project.edit("Pulumi.local.yaml", "nodeCpus: 1", "nodeCpus: 2")

    assert "answered:" in done.stdout
    assert re.search(rf"{MODEL} was away for \d+ s; its predicted cold start is \d+ s", done.stdout), done.stdout
    assert workloads(project) == {f"InferenceService/{MODEL}-kserve", f"Deployment/{MODEL}-kserve-predictor"}
    assert status["restartCount"] == 0


def test_transformer_answers_at_the_models_url_and_the_explainer_beside_it(project):
    """Three Deployments of one service: clients reach the transformer, and each part may be drained by itself."""
    project.edit("Pulumi.local.yaml", "nodeCpus: 2", "nodeCpus: 4")
    try:
        move(project, "kserve", kserve_parts.settings())
        project.up("local")
        # Of the update that is done, and not of what was there before, though KServe says Ready all the time.
        entry, observed = reached(project), generations(project)
        url = project.endpoints()[MODEL]
        answer = eventually("the Gateway knows the transformer", lambda: completed(url))
        explained = eventually(
            "the explainer answers", lambda: asked(f"{url}/v1/models/{SERVED}:explain", {"why": "so"})
        )
        each_once = {MODEL: 1, f"{MODEL}-kserve-predictor": 1, f"{MODEL}-kserve-explainer": 1}
        eventually("each part is in a budget of its own", lambda: expected_pods(project) == each_once)
        pods = pods_of(project, f"serving.kserve.io/inferenceservice={MODEL}-kserve")
    finally:
        project.edit("Pulumi.local.yaml", "nodeCpus: 4", "nodeCpus: 2")

    assert entry == {"transformer"}
    assert observed[f"{MODEL}-kserve"] == observed[f"{MODEL}-kserve-explainer"], "KServe has begun to say its own"
    assert answer["choices"][0]["text"]
    assert answer[kserve_parts.MARK] == "transformer"
    assert explained["path"] == f"/v1/models/{SERVED}:explain"
    assert explained["asked"] == {"why": "so"}
    assert explained["given"]["--model_name"] == SERVED
    assert [pod["spec"]["automountServiceAccountToken"] for pod in pods] == [False] * 3


def completed(url: str) -> dict[str, Any] | None:
    """An answer that the transformer has had in its hands."""
    answer = asked(f"{url}/v1/completions", {"model": SERVED, "prompt": "Hello", "max_tokens": 4})
    return answer if kserve_parts.MARK in answer else None


def reached(project: Project) -> set[str]:
    """The parts whose pods the model's Service sends to."""
    return {each["metadata"]["labels"]["component"] for each in pods_of(project, f"substrate.dev/model={MODEL}")}


def generations(project: Project) -> dict[str, int]:
    """What each service and Deployment says that it has observed."""
    kinds = "deployments.apps,inferenceservices.serving.kserve.io"
    found = project.objects(kinds, "--namespace", NAMESPACE)
    return {each["metadata"]["name"]: each["status"].get("observedGeneration", 0) for each in found}


def expected_pods(project: Project) -> dict[str, int]:
    budgets = project.objects("poddisruptionbudgets", "--namespace", NAMESPACE)
    return {budget["metadata"]["name"]: budget["status"].get("expectedPods", 0) for budget in budgets}


def pods_of(project: Project, selector: str) -> list[dict[str, Any]]:
    found = project.objects("pods", "--namespace", NAMESPACE, "--selector", selector)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def asked(url: str, question: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(question).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found
