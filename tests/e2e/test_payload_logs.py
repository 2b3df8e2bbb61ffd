"""One block logs a model's requests on plain and on KServe: all pairs are in the sink, and the sink costs no answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from substrate.manifests import kserve
from tests.cluster import payload_logs as logs
from tests.cluster.conftest import Embedded, eventually
from tests.e2e.clients import Asking
from tests.e2e.harness import Project
from tests.e2e.test_kserve import MODEL, NAMESPACE, SERVED, move, served_by
from tests.stacks import document, plan_document, server

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "kserve", "payload-logging")]

AUDIT, REQUESTS = "audit", 100
USER, KEY = "ann@example.org", "sk-of-ann"
DEFAULTS = "  substrate:defaults:\n"
LOGGING = f"    logging: {{sink: 'http://{logs.SINK}.{AUDIT}/', redact: [user]}}\n"


@pytest.fixture(scope="module")
def project(foundations: Embedded, lab_project: Project) -> Iterator[Project]:
    """The local stack with that one line, up on the plain foundation of the shared cluster; gone afterwards."""
    lab_project.edit("Pulumi.local.yaml", DEFAULTS, DEFAULTS + LOGGING)
    with foundations.namespaces(AUDIT):
        apply(lab_project, *logs.sink(AUDIT))
        scale(lab_project, 1)
        lab_project.up("local")
        yield lab_project


@dataclass(frozen=True)
class Moved:
    """Where the model runs now, and what clients saw of its way there."""

    foundation: str
    url: str
    failed: list[str]


@pytest.fixture(scope="module", params=["plain", "kserve"])
def model(project: Project, request: pytest.FixtureRequest) -> Moved:
    url = project.endpoints()[MODEL]
    if request.param == "plain":
        return Moved(request.param, url, [])
    move(project, request.param)
    with Asking(url, SERVED) as asking:
        project.up("local")
    return Moved(request.param, url, asking.failed)


def apply(project: Project, *objects: dict[str, Any]) -> None:
    manifest = project.folder / "objects.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    project.kubectl("apply", "--server-side", f"--filename={manifest}")


def scale(project: Project, replicas: int) -> None:
    project.kubectl("scale", f"deployment/{logs.SINK}", f"--namespace={AUDIT}", f"--replicas={replicas}")
    if replicas:
        project.kubectl("rollout", "status", f"deployment/{logs.SINK}", f"--namespace={AUDIT}", "--timeout=300s")
    else:
        gone = (f"--selector=app={logs.SINK}", "--for=delete", "--timeout=300s")
        project.kubectl("wait", "pod", f"--namespace={AUDIT}", *gone)


def asked(model: Moved, first: int) -> list[str]:
    """The answers' content, of a hundred requests, some at once, every fourth as a stream."""
    key = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{model.url}/", timeout=60, headers=key) as client, ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda number: ask(client, number, model.foundation), range(first, first + REQUESTS)))


def ask(client: httpx.Client, number: int, foundation: str) -> str:
    messages = [{"role": "user", "content": f"Question {number}."}]
    body = {"model": SERVED, "max_tokens": 4, "messages": messages, "user": USER, "stream": number % 4 == 0}
    path = "v1/chat/completions"
    answer = logs.post_behind_agent(client, path, body) if foundation == "kserve" else client.post(path, json=body)
    assert answer.status_code == 200, f"{number}: {answer.status_code} {answer.headers} {answer.text}"
    return logs.spoken(answer.text)


def found(project: Project, first: int) -> list[dict[str, logs.Event]] | None:
    """The pairs of a hundred questions in their order, once none is missing."""
    path = f"/api/v1/namespaces/{AUDIT}/services/{logs.SINK}:80/proxy/"
    numbers = range(first, first + REQUESTS)
    pairs = logs.of_numbers(logs.events(project.kubectl("get", "--raw", path)), numbers)
    whole = len(pairs) == REQUESTS and all(len(pair) == 2 for pair in pairs.values())
    return [pairs[number] for number in numbers] if whole else None


def test_a_model_that_logs_moves_to_kserve_and_no_request_fails(model):
    assert model.failed == []


def test_all_pairs_of_a_hundred_requests_are_in_the_sink(project, model):
    first = {"plain": 1000, "kserve": 2000}[model.foundation]
    said = asked(model, first)
    pairs = eventually("all pairs are there", lambda: found(project, first))

    assert [logs.spoken(pair["response"].data) for pair in pairs] == said
    for event in (event for pair in pairs for event in pair.values()):
        assert event.attributes["specversion"] == "1.0"
        assert event.attributes["type"] == f"org.kubeflow.serving.inference.{event.kind}"
        assert event.attributes["source"] == f"/namespaces/{NAMESPACE}/models/{MODEL}/{event.kind}s"
        assert USER not in event.data
        assert KEY not in str(event)
    assert {pair["request"].json()["user"] for pair in pairs} == {"[redacted]"}


def test_sink_at_zero_costs_no_answer(project, model):
    scale(project, 0)
    try:
        said = asked(model, 3000)
    finally:
        scale(project, 1)
    assert len(said) == REQUESTS


def test_pod_that_logs_asks_for_no_more_cores_than_its_block(project, model):
    """The pool's arithmetic counts whole replicas, whoever runs in their pods."""
    spec = served_by(project)["spec"]
    requests = [each["resources"]["requests"]["cpu"] for each in spec["containers"] + spec["initContainers"]]

    assert sum(int(request.removesuffix("m")) for request in requests) == 1000
    assert len(requests) == {"plain": 2, "kserve": 3}[model.foundation]


def test_second_up_of_a_model_that_logs_has_nothing_to_change(project, model):
    project.unchanged()


def test_knative_service_that_kserve_makes_has_the_relay_beside_the_engine(project, tmp_path):
    """Knative's own controllers do not run here: no pod comes of it, and KServe's agent is put into pods only."""
    data = document("local")
    block = {**data["config"]["substrate:models"][MODEL], "foundation": "kserve", "kserve": {"mode": "Knative"}}
    data["config"]["substrate:models"] = {"revised": {**block, "logging": {"sink": "http://sink/"}}}
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    plan = plan_document(data, tmp_path, "knative")
    one = server(plan, "revised")
    assert one.kserve and plan.kserve
    apply(project, *map(kserve.serving_runtime, plan.kserve.runtimes), kserve.inference_service(one, one.kserve))
    kinds = ("get", "services.serving.knative.dev", f"--namespace={NAMESPACE}", "--output=json")
    try:
        (made,) = eventually("KServe made a Knative Service", lambda: json.loads(project.kubectl(*kinds))["items"])
    finally:
        project.kubectl("delete", f"--filename={project.folder / 'objects.json'}", "--wait=true")
    template = made["spec"]["template"]
    engine, relay = template["spec"]["containers"]

    assert (engine["name"], relay["name"]) == ("kserve-container", "payload-logger")
    assert "ports" not in relay
    assert "initContainers" not in template["spec"]
    assert template["metadata"]["annotations"]["internal.serving.kserve.io/logger-sink-url"] == "http://127.0.0.1:9082"


def test_a_model_stops_logging_and_no_request_fails(project):
    """On KServe, where it ends, the Service has sent to the agent of one pod and sends to the engine of the next."""
    path = project.folder / "Pulumi.local.yaml"
    move(project, "kserve")
    path.write_text(
        path.read_text().replace("      context: 2048\n", "      context: 2048\n      logging: {log: none}\n")
    )
    with Asking(project.endpoints()[MODEL], SERVED) as asking:
        project.up("local")
    spec = served_by(project)["spec"]

    assert [each["name"] for each in spec["containers"]] == ["kserve-container"]
    assert "initContainers" not in spec
    assert asking.failed == []
    assert asking.answered > 0
