"""Foundation bentoml, really up: a bento on its own route, from staged files and from its image, then in stages."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cluster import images, tools
from cluster.embedded import seed
from substrate.facts.bentoml import BENTOML
from tests.cluster.conftest import PATIENCE, Embedded, eventually
from tests.cluster.forwarding import forwarded
from tests.e2e.harness import Project
from tests.registry import assert_known

pytestmark = [pytest.mark.cluster, pytest.mark.extras("bentoml", "front-door")]

SINGLE, PIPELINE = "language", "language-pipeline"
SENTENCES = {
    "de": "Wo ist bitte der Bahnhof?",
    "en": "Where is the railway station, please?",
    "fr": "Où est la gare, s'il vous plaît ?",
    "nl": "Waar is het station, alstublieft?",
}
CALLS, AT_ONCE = 200, 64
A_SECOND = 1_000_000  # characters that keep the model busy for about a second where nothing else runs
BATCHES = "bentoml_service_adaptive_batch_size"
IDENTIFY = 'endpoint="/identify"'
STAGES = {
    "prepare": {"service": "Prepare", "cpus": "100m"},
    "score": {"service": "Score", "replicas": 2, "cpus": "100m", "memory": "400Mi"},
    "entry": {"service": "Pipeline", "cpus": "100m", "depends": ["prepare", "score"]},
}


def files(bento: str) -> list[Path]:
    return sorted(path for path in folder(bento).rglob("*") if path.is_file())


def folder(bento: str) -> Path:
    """What `bentoml build` made of the example."""
    return tools.path("example-bentos") / bento


def weights(bento: str) -> dict[str, Any]:
    """The bento's own folder, every file of it with its digest."""
    return {
        "from": f"s3://models/{bento}/",
        "endpoint": "http://s3.substrate-system.svc.cluster.local:8333",
        "files": {
            str(path.relative_to(folder(bento))): {
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "size": f"{path.stat().st_size}B",
            }
            for path in files(bento)
        },
    }


def deployed(project: Project, **models: dict[str, Any]) -> Project:
    """The stack with these bentos and nothing else, up."""
    path = project.folder / "Pulumi.local.yaml"
    data = yaml.safe_load(path.read_text())
    common = {"pool": "cpu", "foundation": "bentoml", "cpus": 1}
    data["config"]["substrate:models"] = {name.replace("_", "-"): {**common, **block} for name, block in models.items()}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    shown = project.up("local").stdout
    assert all(f"{name.replace('_', '-')} is ready at " in shown for name in models), shown
    return project


@pytest.fixture(scope="module")
def made(foundations: Embedded, lab_project: Project) -> Project:
    """A project on the shared cluster, with both bentos in its S3; what it brings up is gone afterwards."""
    for bento in (SINGLE, PIPELINE):
        for path in files(bento):
            seed.upload(foundations.root, path, f"{bento}/{path.relative_to(folder(bento))}")
    return lab_project


@pytest.fixture(scope="module")
def staged(made: Project) -> Iterator[httpx.Client]:
    """A client of the single bento's URL; its files are staged like any weights."""
    settings = {"services": {"Language": {"timeout": "300s", "maxConcurrency": 100}}}
    deployed(made, language={"weights": weights(SINGLE), "bento": settings})
    with httpx.Client(base_url=made.endpoints()[SINGLE], timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def both(staged: httpx.Client, made: Project) -> Project:
    """After the first stack: the same bento held by its image, a strict one, and beside it the pipeline in stages."""
    strict = {"services": {"Language": {"timeout": "1s", "maxConcurrency": 2}}}
    held = {"bento": {"image": images.reference("bento-language"), **strict}}
    return deployed(made, language=held, language_pipeline={"weights": weights(PIPELINE), "bento": {"stages": STAGES}})


def identified(client: httpx.Client, texts: list[str]) -> list[str]:
    answer = client.post("identify", json={"texts": texts}).raise_for_status()
    return [one["language"] for one in answer.json()]


def metrics(client: httpx.Client) -> str:
    """The page, which is a 500 now and then, while a worker of BentoML's writes the file that another reads."""
    page = eventually("the page is whole", lambda: (found := client.get("metrics")).is_success and found)
    return str(page.text)


def metric(text: str, name: str, label: str = "") -> float:
    """The sum of a metric's series; `label` is written `name="value"`."""
    lines = (line for line in text.splitlines() if line.startswith(f"{name}{{") and label in line)
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def work(seconds: int) -> dict[str, list[str]]:
    """A request that keeps the model busy for about as long."""
    return {"texts": ["wie lang " * (seconds * A_SECOND // len("wie lang "))]}


def pod(project: Project, selector: str) -> dict[str, Any]:
    return project.objects("pods", "--namespace", "home", "--selector", selector)[0]


def test_staged_bento_answers_under_the_models_url(staged):
    assert identified(staged, list(SENTENCES.values())) == list(SENTENCES)


def test_calls_at_once_are_run_in_few_batches(staged):
    sentence = SENTENCES["nl"]
    before = [metric(metrics(staged), f"{BATCHES}_{part}") for part in ("sum", "count")]
    start = threading.Barrier(AT_ONCE)

    def ask(call: int) -> list[str]:
        if call < AT_ONCE:
            start.wait()
        return identified(staged, [sentence])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, range(CALLS)))
    after = [metric(metrics(staged), f"{BATCHES}_{part}") for part in ("sum", "count")]
    calls, batches = (new - old for new, old in zip(after, before, strict=True))

    assert answers == [["nl"]] * CALLS
    assert calls == CALLS
    assert 0 < batches <= CALLS / 2, "executions of the model"


def test_staged_bento_is_read_only_and_runs_with_the_settings_of_the_stack(staged, made):
    (container,) = pod(made, f"substrate.dev/model={SINGLE}")["spec"]["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    name = pod(made, f"substrate.dev/model={SINGLE}")["metadata"]["name"]
    log = made.kubectl("logs", name, "--namespace", "home")

    assert mounts["/home/bentoml/bento"]["readOnly"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert "'timeout': 300" in log and "'max_concurrency': 100" in log, log


def test_probes_and_metrics_are_those_that_pods_and_dashboards_use(staged):
    said = metrics(staged)
    assert_known(said, BENTOML)
    wanted = (
        "bentoml_service_request_total counter",
        "bentoml_service_request_in_progress gauge",
        "bentoml_service_request_duration_seconds histogram",
        "bentoml_service_adaptive_batch_size histogram",
        "bentoml_service_last_request_timestamp_seconds gauge",
    )

    assert [staged.get(path).status_code for path in ("livez", "readyz", "healthz")] == [200, 200, 200]
    assert [name for name in wanted if f"# TYPE {name}" not in said] == []
    assert 'runner_name="Language",service_name="language",service_version="1.0.0"' in said


def test_image_holds_the_version_that_its_tag_says(staged, made):
    name = pod(made, f"substrate.dev/model={SINGLE}")["metadata"]["name"]
    said = made.kubectl("exec", name, "--namespace", "home", "--", "bentoml", "--version")

    assert images.reference("bentoml") == f"substrate.local/bentoml:{said.split()[-1]}"


def test_answer_in_the_making_arrives_after_its_pod_was_deleted(staged, made):
    name = pod(made, f"substrate.dev/model={SINGLE}")["metadata"]["name"]
    with ThreadPoolExecutor(1) as pool:
        answer: Future[httpx.Response] = pool.submit(staged.post, "identify", json=work(12), timeout=PATIENCE)
        eventually("it is worked on", lambda: metric(metrics(staged), "bentoml_service_request_in_progress", IDENTIFY))
        made.kubectl("delete", "pod", name, "--namespace", "home", "--wait=false")
        assert not answer.done(), "it was told to end while it worked"
        assert answer.result().status_code == 200
    made.kubectl("rollout", "status", f"deployment/{SINGLE}-bentoml", "--namespace", "home", "--timeout=300s")


def test_bento_held_by_its_image_answers_at_the_same_url(both):
    (container,) = pod(both, f"substrate.dev/model={SINGLE}")["spec"]["containers"]
    with httpx.Client(base_url=both.endpoints()[SINGLE], timeout=60) as client:
        assert identified(client, list(SENTENCES.values())) == list(SENTENCES)

    assert container["image"] == images.reference("bento-language")
    assert not any(mount["mountPath"] == "/home/bentoml/bento" for mount in container["volumeMounts"])


def test_settings_of_a_built_bento_are_overridden_where_it_is_deployed(both):
    """Too many at once are turned away, and one that takes too long is given up."""
    with httpx.Client(base_url=both.endpoints()[SINGLE], timeout=60) as client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.post("identify", json=work(5)), range(12)))

    assert {answer.status_code for answer in answers} == {429, 504}


def test_pipeline_answers_through_its_entry_and_asks_its_stages(both):
    with httpx.Client(base_url=both.endpoints()[PIPELINE], timeout=60) as client:
        assert identified(client, list(SENTENCES.values())) == list(SENTENCES)
    asked = [scored(both, found) for found in both.objects("pods", "--namespace", "home", "--selector", stage("score"))]

    assert len(asked) == 2
    assert sum(asked) > 0, "without --depends the entry would run the stage itself, and say nothing"


def stage(name: str) -> str:
    return f"substrate.dev/pipeline={PIPELINE},substrate.dev/stage={name}"


def scored(project: Project, found: dict[str, Any]) -> float:
    """The requests that a pod of the stage answered, by its own metrics."""
    inside = ("wget", "-q", "-O", "-", "http://127.0.0.1:3000/metrics")
    text = project.kubectl("exec", found["metadata"]["name"], "--namespace", "home", "--", *inside)
    lines = "\n".join(line for line in text.splitlines() if 'endpoint="/scores"' in line)
    return metric(lines, "bentoml_service_request_total")


class Touch:
    """What an attacker sends: unpickling it makes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("/tmp/unpickled"),)


@pytest.mark.parametrize("model", [SINGLE, PIPELINE])
def test_what_a_models_url_leads_to_unpickles_nothing(both, model):
    headers = {"content-type": "application/vnd.bentoml+pickle"}
    answer = httpx.post(f"{both.endpoints()[model]}/identify", content=pickle.dumps(Touch()), headers=headers)
    name = pod(both, f"substrate.dev/model={model}")["metadata"]["name"]

    assert answer.status_code == 415
    assert "unpickled" not in both.kubectl("exec", name, "--namespace", "home", "--", "ls", "/tmp")


def test_inner_stage_unpickles_what_anyone_sends_so_only_the_entry_may_be_reachable(both, foundations):
    name = pod(both, stage("score"))["metadata"]["name"]
    headers = {"content-type": "application/vnd.bentoml+pickle"}
    with forwarded(foundations, "home", f"pod/{name}", 3000) as client:
        client.post("/scores", content=pickle.dumps(Touch()), headers=headers)

    assert "unpickled" in both.kubectl("exec", name, "--namespace", "home", "--", "ls", "/tmp")


def test_inner_stages_are_on_no_route_and_a_policy_admits_their_askers_alone(both):
    routes = both.objects("httproutes.gateway.networking.k8s.io", "--namespace", "home")
    found = both.objects("networkpolicies", "--namespace", "home")
    policies = {one["metadata"]["name"]: one["spec"] for one in found if one["metadata"]["name"].startswith(PIPELINE)}

    assert {route["metadata"]["name"] for route in routes} == {SINGLE, PIPELINE}
    assert set(policies) == {f"{PIPELINE}-bentoml-prepare", f"{PIPELINE}-bentoml-score"}
    for spec in policies.values():
        (rule,) = spec["ingress"]
        assert rule["from"] == [{"podSelector": {"matchLabels": {"substrate.dev/model": PIPELINE}}}]


def test_second_up_has_nothing_to_change(both):
    both.unchanged()
