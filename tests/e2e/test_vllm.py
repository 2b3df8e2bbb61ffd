"""Real vLLM, its CPU build, in the pod that the plain foundation makes: a tiny model of random weights answers, and a
LoRA adapter of it beside."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import openai
import pytest
import yaml

from cluster import images, tools
from cluster.embedded import seed
from examples.tiny_llama import adapter
from substrate.facts.engines import VLLM
from tests.cluster.conftest import PATIENCE, Embedded, eventually
from tests.e2e.harness import ROOT, Project
from tests.registry import assert_known

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "kserve", "kserve-llm", "vllm")]

MODEL, ADAPTER, SERVER = "tiny", "tiny-legal", "tinies"
PARALLEL = 4
LONG = 200  # tokens of an answer: twelve of them are seconds of work
# The names that autoscaling reads.
METRICS = ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc")


def made(folder: Path) -> dict[str, Path]:
    """Model and adapter, made with the packages that will serve them."""
    site = tools.ensure(["vllm-root", "vllm-packages"])["vllm-packages"]
    environment = {**os.environ, "PYTHONPATH": f"{site}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1"}
    for module, name in (("make", MODEL), ("adapter", ADAPTER)):
        command = [sys.executable, "-m", f"examples.tiny_llama.{module}", str(folder / name)]
        subprocess.run(command, cwd=folder, env=environment, check=True)
    return {name: folder / name for name in (MODEL, ADAPTER)}


def weights(folder: Path) -> dict[str, Any]:
    files = {
        file.name: {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "size": f"{file.stat().st_size}B"}
        for file in sorted(folder.iterdir())
    }
    endpoint = "http://s3.substrate-system.svc.cluster.local:8333"
    return {"from": f"s3://models/{folder.name}/", "endpoint": endpoint, "files": files}


def blocks(folders: dict[str, Path]) -> dict[str, Any]:
    """Model blocks like any others, with the one argument that saves a compiler in the image."""
    shared = {"pool": "cpu", "engine": "vllm"}
    architecture = {"parameters": "1M", "layers": 2, "kvHeads": 2, "headDim": 32}
    own = {"context": 512, "parallel": PARALLEL, "extraArgs": ["--enforce-eager"], "architecture": architecture}
    return {
        MODEL: {**shared, **own, "weights": weights(folders[MODEL])},
        ADAPTER: {**shared, "adapter": {"of": MODEL, "rank": adapter.RANK}, "weights": weights(folders[ADAPTER])},
    }


@pytest.fixture(scope="module")
def project(foundations: Embedded, lab_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The local stack with a server of those two alone, up on the shared cluster; gone afterwards."""
    folders = made(tmp_path_factory.mktemp("models"))
    for name, folder in folders.items():
        for file in folder.iterdir():
            seed.upload(foundations.root, file, f"{name}/{file.name}")
    path = lab_project.folder / "Pulumi.local.yaml"
    data = yaml.safe_load(path.read_text())
    data["config"]["substrate:pools"]["cpu"]["nodeMemory"] = "8Gi"
    data["config"]["substrate:defaults"]["images"]["vllm"] = images.reference("vllm-cpu")
    data["config"]["substrate:models"] = blocks(folders)
    data["config"]["substrate:servers"] = {SERVER: {"models": [MODEL, ADAPTER], "cpus": 1}}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    lab_project.up("local", "--no-ask")
    return lab_project


@pytest.fixture(scope="module")
def url(project: Project) -> str:
    """Once it answers: the Gateway hears of a pod a moment after the update ends, and says 503 until then."""
    found = project.endpoints()[MODEL]
    eventually("the Gateway knows the pod", lambda: urlopen(f"{found}/v1/models", timeout=30).status)
    return found


def client_at(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=PATIENCE)


@pytest.fixture(scope="module")
def client(url: str) -> openai.OpenAI:
    return client_at(url)


@pytest.fixture
def asking(client: openai.OpenAI) -> Iterator[list[Future[str]]]:
    """Three times as many long answers as there are places, being read as they come: why each ended."""

    def reason(number: int) -> str:
        options: dict[str, Any] = {"max_tokens": LONG, "stream": True, "extra_body": {"ignore_eos": True}}
        parts = list(client.completions.create(model=MODEL, prompt=f"Answer {number}", **options))
        return f"{parts[-1].choices[0].finish_reason}"

    with ThreadPoolExecutor(3 * PARALLEL) as pool:
        yield [pool.submit(reason, number) for number in range(3 * PARALLEL)]


def answered(client: openai.OpenAI) -> Any:
    """After a move, once the Gateway knows the new pod."""
    ask = client.completions.create
    return eventually("the model answers", lambda: ask(model=MODEL, prompt="A model answers", max_tokens=8))


def scraped(url: str) -> dict[str, float]:
    """What autoscaling reads, by name."""
    with urlopen(f"{url}/metrics", timeout=30) as response:
        lines = [line.partition("{") for line in response.read().decode().splitlines()]
    return {name: float(rest.rpartition("} ")[2]) for name, _, rest in lines if name in METRICS}


def test_vllm_answers_at_the_models_url(client):
    answer = client.completions.create(model=MODEL, prompt="A model answers", max_tokens=8)

    assert answer.usage and answer.usage.completion_tokens == 8
    assert {model.id for model in client.models.list()} == {MODEL, ADAPTER}


def test_adapter_answers_at_its_own_url_and_otherwise_than_the_model_that_it_changes(project):
    said = {}
    for name, url in project.endpoints().items():
        ask = client_at(url).completions.create
        options: dict[str, Any] = {"model": name, "prompt": "A model answers", "max_tokens": 24, "temperature": 0}
        answer = eventually("the Gateway knows the route", lambda ask=ask, options=options: ask(**options))
        assert answer.model == name
        said[name] = answer.choices[0].text

    assert set(said) == {MODEL, ADAPTER}
    assert said[MODEL] != said[ADAPTER]
    assert len(pods(project)) == 1


def test_vllm_streams_token_by_token(client):
    parts = list(client.completions.create(model=MODEL, prompt="One GPU", max_tokens=8, stream=True))

    assert len(parts) > 1


def test_vllm_exports_what_scaling_reads(url):
    with urlopen(f"{url}/metrics", timeout=30) as response:
        text = response.read().decode()

    for name in METRICS:
        assert f'{name}{{engine="0",model_name="{MODEL}"}}' in text, name
    assert_known(text, VLLM)


def test_weights_of_vllm_are_read_only(project):
    (pod,) = pods(project)
    (container,) = pod["spec"]["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}

    assert all(mounts[f"/models/{name}"]["readOnly"] for name in (MODEL, ADAPTER))
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_what_scaling_reads_follows_the_load(url, asking):
    """All places taken, the others waiting, the cache in use; and nothing of it once the answers are given."""
    seen = [scraped(url)]
    while not all(answer.done() for answer in asking):
        seen.append(scraped(url))
    running, waiting, cache = (max(each[name] for each in seen) for name in METRICS)

    assert [answer.result() for answer in asking] == ["length"] * len(asking)
    assert running == PARALLEL
    assert 0 < waiting <= len(asking)
    assert 0 < cache <= 1
    eventually("vLLM is idle", lambda: not any(scraped(url).values()))


@pytest.fixture
def name(project: Project) -> str:
    """Of the pod; looked up before anybody asks, since the answers take seconds."""
    (pod,) = pods(project)
    return str(pod["metadata"]["name"])


def test_answers_in_flight_outlive_sigterm(project, url, name, asking):
    """vLLM ends them itself, waiting ones too: the sleep before SIGTERM only keeps new requests away."""
    eventually("somebody is being answered", lambda: scraped(url)[METRICS[0]] > 0)
    project.kubectl("exec", name, "--namespace", "home", "--", "/bin/sh", "-c", "kill -TERM 1")
    assert not all(answer.done() for answer in asking), "the signal came too late to show anything"

    assert [answer.result() for answer in asking] == ["length"] * len(asking)
    ended = eventually("the server ended", lambda: ending(project, name))
    assert ended["exitCode"] == 0


def ending(project: Project, pod: str) -> dict[str, Any] | None:
    """How the container's process ended last, None while the first one runs."""
    found = json.loads(project.kubectl("get", "pod", pod, "--namespace", "home", "--output=json"))
    (status,) = found["status"]["containerStatuses"]
    ended: dict[str, Any] | None = status["state"].get("terminated") or status["lastState"].get("terminated")
    return ended


# --- the same model on KServe, which holds no adapter, last: each is a move of the running one -----------------------


def pods(project: Project) -> list[dict[str, Any]]:
    """All that serve, whichever model or server they are of."""
    return project.objects("pods", "--namespace", "home", "--selector", "substrate.dev/workload=llm")


def moved(project: Project, **changes: Any) -> dict[str, Any]:
    """The pod that the model has, alone, in place of those before once its block has changed so."""
    before = {pod["metadata"]["uid"] for pod in pods(project)}
    path = project.folder / "Pulumi.local.yaml"
    data = yaml.safe_load(path.read_text())
    data["config"].pop("substrate:servers", None)
    data["config"]["substrate:models"] = {MODEL: data["config"]["substrate:models"][MODEL] | {"cpus": 1} | changes}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    project.up("local")

    def alone() -> list[dict[str, Any]]:
        found = pods(project)
        return found if len(found) == 1 and found[0]["metadata"]["uid"] not in before else []

    (pod,) = eventually("its pods before are gone", alone)
    found: dict[str, Any] = pod
    return found


def test_vllm_answers_from_the_pod_that_an_inference_service_makes(project, client):
    pod = moved(project, foundation="kserve")
    answer = answered(client)

    assert pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"] == f"{MODEL}-kserve"
    assert answer.usage and answer.usage.completion_tokens == 8


def test_vllm_answers_from_the_pod_that_an_llm_inference_service_makes(project, client):
    """By its real controller, merged into its real preset: what must not be the preset's is looked at."""
    pod = moved(project, foundation="kserve", kserve={"resource": "LLMInferenceService"})
    answer = answered(client)
    (container,) = pod["spec"]["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}

    assert pod["metadata"]["labels"]["app.kubernetes.io/part-of"] == "llminferenceservice"
    assert answer.usage and answer.usage.completion_tokens == 8
    assert container["command"] == ["vllm", "serve"]
    assert container["image"] == images.reference("vllm-cpu")
    assert "initContainers" not in pod["spec"], "nothing is downloaded"
    assert mounts["/mnt/models"]["readOnly"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert project.objects("inferenceservices.serving.kserve.io", "--namespace", "home") == []
