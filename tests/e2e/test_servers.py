"""Two models in one server, live: one pod, and each model's own URL answers for it."""

from __future__ import annotations

import openai
import pytest
import yaml

from tests.e2e.harness import Project
from tests.plan.test_several import FIRST, SECOND, pair

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door")]

SERVED = {FIRST: "smollm2-135m-instruct", SECOND: "twin"}


def answered(url: str, model: str) -> str:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)
    messages = [{"role": "user", "content": "Say hello."}]
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=8)  # type: ignore[arg-type]
    assert answer.choices[0].message.content
    return answer.model


def test_two_models_share_a_pod_and_answer_at_their_own_urls(lab_project: Project) -> None:
    path = lab_project.folder / "Pulumi.local.yaml"
    data = pair()
    data["config"]["substrate:cluster"] = yaml.safe_load(path.read_text())["config"]["substrate:cluster"]
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    lab_project.up("local")
    endpoints = lab_project.endpoints()

    assert {name: answered(endpoints[name], served) for name, served in SERVED.items()} == SERVED
    pods = lab_project.objects("pods", "--namespace", "home", "--selector", "substrate.dev/server=small")
    assert len(pods) == 1
    assert {mount["mountPath"] for mount in pods[0]["spec"]["containers"][0]["volumeMounts"]} >= {
        f"/models/{FIRST}",
        f"/models/{SECOND}",
    }
