"""The extra `front-door`: one OpenAI-compatible address before several models, in a pod that Pod Security restricts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from substrate.manifests import front_door
from substrate.manifests.envoy import api
from substrate.manifests.envoy.keys import keys_file
from tests.cluster import front_doors, llamas
from tests.cluster.conftest import PATIENCE, Embedded, eventually, wait_ready
from tests.cluster.forwarding import forwarded
from tests.cluster.front_doors import TEAM, upstream
from tests.cluster.kserve_objects import stage

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door")]

DOOR, LOCKED = "door", "locked"
NAMES = {"one": "smollm2-135m-instruct", "two": "HuggingFaceTB/SmolLM2-135M-Instruct"}  # model: served
NOBODY = "10.244.0.254"  # a pod's address that no pod has
KEY = "sk-of-ann"


LLAMAS = [upstream(name, served) for name, served in NAMES.items()]
# Behind Services: nobody; at an address: nobody; not even a name; a stub that answers at once.
GONE = {"gone": "", "silent": NOBODY, "nameless": "no.such.host"}
DEAD = [upstream(name, name, host) for name, host in GONE.items()]
STUB = upstream("stub", "stub")
ALL = [*LLAMAS, *DEAD, STUB]
OPEN = front_doors.plan(DOOR, ALL)


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    """The shared cluster with two real models, a stub and the front door before them, gone afterwards."""
    with foundations.namespaces(TEAM, DOOR, LOCKED):
        stage(foundations, TEAM)
        pods = [llamas.llama_pod(name, TEAM, served) for name, served in NAMES.items()]
        services = [llamas.service(name, TEAM) for name in (*NAMES, "stub", "gone")]
        foundations.apply(*services, *pods, llamas.stub_pod("stub", TEAM))
        # After the Services, as the product makes it: a name that was not there is not asked for again at once.
        foundations.apply(*front_door.objects(OPEN))
        wait_ready(foundations, TEAM, *NAMES, "stub")
        front_doors.wait_ready(foundations, DOOR)
        yield foundations


@pytest.fixture(scope="module")
def client(cluster: Embedded) -> openai.OpenAI:
    """As a person has it: the base URL and a key that nobody asks for."""
    url = f"http://127.0.0.1:{cluster.plan.ports.gateway}/v1"
    made = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=PATIENCE)
    eventually("the route is there", lambda: answers(made))
    return made


def answers(client: openai.OpenAI) -> bool:
    try:
        return bool(client.models.list().data)
    except openai.OpenAIError:
        return False


def ask(client: openai.OpenAI, served: str, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": "Tell me a story."}]
    return client.chat.completions.create(model=served, messages=messages, **{"max_tokens": 8, **options})


def prompts(cluster: Embedded) -> dict[str, float]:
    """How many tokens each model has been asked with."""
    return {name: llamas.metric(cluster, TEAM, name, llamas.PORT, "llamacpp:prompt_tokens_total ") for name in NAMES}


def pod_of(cluster: Embedded, where: str) -> dict[str, Any]:
    (pod,) = cluster.get("pods", "-n", where, "--selector", "app.kubernetes.io/name=front-door")["items"]
    found: dict[str, Any] = pod
    return found


def test_list_names_the_models_of_the_stack_and_no_others(client):
    assert [model.id for model in client.models.list()] == [model.served_name for model in ALL]
    assert client.models.retrieve(NAMES["two"]).id == NAMES["two"]
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.models.retrieve("gpt-4o")


@pytest.mark.parametrize("name", NAMES)
def test_request_goes_to_the_model_that_it_names(cluster, client, name):
    before = prompts(cluster)
    assert ask(client, NAMES[name]).choices[0].message.content
    after = prompts(cluster)

    assert {one for one in NAMES if after[one] > before[one]} == {name}


def test_stream_of_a_real_model_comes_in_as_many_parts_as_tokens(client):
    story = ask(client, NAMES["one"], stream=True, max_tokens=64)

    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in story) > 32


def test_part_of_a_stream_is_passed_on_before_the_next_is_made(client):
    """The stub makes its last part only when it is asked to by somebody who has the first one."""
    text = llamas.streamed(client._client, f"{client.base_url}chat/completions", STUB.served_name)

    assert text.split() == f"{llamas.FIRST} {llamas.LAST}".split()


def test_unknown_model_is_refused_in_openais_words(client):
    with pytest.raises(openai.NotFoundError) as refused:
        ask(client, 'gpt-4o" \n')

    assert refused.value.code == "model_not_found"
    assert refused.value.body["message"].startswith('The model `gpt-4o" \n` does not exist')
    assert refused.value.response.headers["content-type"] == "application/json"


def test_request_without_a_model_or_path_is_told_so(client):
    url = str(client.base_url)
    missing = client._client.post(f"{url}chat/completions", json={"messages": []})
    assert (missing.status_code, missing.json()["error"]["code"]) == (400, "model_missing")
    for path in ("", "../metrics", "..%2fmetrics", "%2e%2e/props"):
        refused = client._client.post(f"{url}{path}", json={"model": NAMES["one"]})
        assert refused.status_code == 404, path


@pytest.mark.parametrize("model", [one.served_name for one in DEAD])
def test_model_that_is_gone_is_told_and_holds_up_no_other(client, model):
    with pytest.raises(openai.APIStatusError) as refused:
        ask(client, model)

    assert (refused.value.status_code, refused.value.code) == (503, "model_unavailable")
    assert ask(client, NAMES["one"]).choices


def test_largest_requests_arrive_whole_twenty_at_once_and_one_too_large_is_refused(cluster, client):
    """Their `model` stands at the end, so that nobody knows where they go before they are there."""

    def sent(size: int) -> Any:
        body = {"messages": ["x" * size], "model": STUB.served_name}
        return client._client.post(f"{client.base_url}chat/completions", json=body)

    largest = OPEN.max_body - 1024
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(sent, [largest] * 20))
    refused = sent(OPEN.max_body)

    assert [one.status_code for one in said] == [200] * 20, [one.text[:200] for one in said]
    assert [len(one.json()["messages"][0]) for one in said] == [largest] * 20
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")
    assert pod_of(cluster, DOOR)["status"]["containerStatuses"][0]["restartCount"] == 0


def test_hostile_json_does_not_end_it(cluster, client):
    nested = '{"model": "stub", "x": ' + "[" * 500_000 + "]" * 500_000 + "}"
    refused = client._client.post(
        f"{client.base_url}chat/completions", content=nested, headers={"content-type": "application/json"}
    )

    assert refused.status_code == 400
    assert pod_of(cluster, DOOR)["status"]["containerStatuses"][0]["restartCount"] == 0


def test_new_model_is_there_without_a_restart_and_no_stream_is_cut(cluster, client):
    """The kubelet looks at ConfigMaps once a minute; a change of the pod's annotations makes it look now."""
    added = upstream("added", "added", f"two.{TEAM}.svc.cluster.local")
    pod, parts, over = pod_of(cluster, DOOR)["metadata"]["name"], [], threading.Event()

    def listen() -> None:
        while not over.is_set():
            story = ask(client, NAMES["one"], stream=True, max_tokens=200)
            parts.append([chunk.choices[0].finish_reason for chunk in story if chunk.choices][-1])

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        cluster.apply(front_door.config_map(front_doors.plan(DOOR, [*ALL, added])))
        cluster.kubectl("annotate", "pod", pod, "-n", DOOR, "--overwrite", f"looked={time.time()}")
        eventually("the model is listed", lambda: "added" in [model.id for model in client.models.list()])
        assert eventually("it answers", lambda: answered(client, "added"))
    finally:
        over.set()
        listener.join()

    assert parts
    assert set(parts) <= {"stop", "length"}
    assert pod_of(cluster, DOOR)["metadata"]["name"] == pod
    assert pod_of(cluster, DOOR)["status"]["containerStatuses"][0]["restartCount"] == 0


def answered(client: openai.OpenAI, served: str) -> bool:
    try:
        return bool(ask(client, served).choices)
    except openai.OpenAIError:
        return False


def test_keys_let_in_who_has_one_and_reach_no_engine(cluster):
    secret = {"name": "front-door-keys", "namespace": LOCKED}
    keys = {api.KEYS_FILE: keys_file({"ann": KEY})}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": keys})
    cluster.apply(*front_doors.objects(front_doors.plan(LOCKED, ALL, secret["name"])))
    front_doors.wait_ready(cluster, LOCKED)
    with forwarded(cluster, LOCKED, "service/front-door", 80) as http:
        for headers in ({}, {"authorization": "Bearer sk-of-bob"}, {"authorization": KEY}):
            refused = http.get("/v1/models", headers=headers)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key"), headers
        for headers in ({"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}):
            assert http.get("/v1/models", headers=headers).status_code == 200, headers
        known = openai.OpenAI(base_url=f"{http.base_url}/v1", api_key=KEY, max_retries=0)
        assert ask(known, NAMES["one"]).choices


def test_probes_and_metrics_have_a_door_of_their_own_and_nothing_else_does(cluster):
    pod = pod_of(cluster, DOOR)["metadata"]["name"]
    with forwarded(cluster, DOOR, f"pod/{pod}", api.METRICS_PORT) as http:
        said = http.get("/metrics").text
        assert http.get("/ready").text.strip() == "LIVE"
        assert [http.post(path).status_code for path in ("/quitquitquit", "/ready", "/config_dump")] == [404] * 3

    assert f'envoy_cluster_upstream_rq_total{{envoy_cluster_name="{LLAMAS[0].name}"}}' in said


def test_its_log_says_which_model_and_nothing_that_was_said(cluster, client):
    """Envoy writes what it has to say once a second."""

    def lines() -> list[dict[str, Any]]:
        log = cluster.kubectl("logs", "-n", DOOR, "deployment/front-door")
        return [json.loads(line) for line in log.splitlines() if line.startswith("{")]

    before = len(lines())
    ask(client, NAMES["two"], max_tokens=3)
    last = eventually(
        "the line is there", lambda: [line for line in lines()[before:] if line["model"] == NAMES["two"]]
    )[-1]
    assert (last["path"], last["status"], last["flags"]) == ("/v1/chat/completions", 200, "-")
    assert "story" not in json.dumps(lines())
