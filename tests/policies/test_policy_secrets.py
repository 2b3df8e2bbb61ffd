"""No secret stands in plain text where a pod, an argument or a ConfigMap is read, and none is ever repeated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import bare, container, inference_service, knative, metadata, template, workload

judge, violations, only = topic("secrets")

# No real ones: each has the mark of its kind and nothing behind it.
HUGGING = "hf_" + "Q7x" * 8
AWS = "AKIA" + "Q7X2" * 4
SHAPES = {
    HUGGING: "a Hugging Face token",
    AWS: "an AWS access key",
    "sk-" + "q7x2" * 5: "an API key",
    "ghp_" + "q7x2" * 6: "a GitHub token",
    "-----BEGIN RSA PRIVATE KEY-----\nq7x2": "a private key",
    "postgres://ann:q7x2q7x2@db/main": "a user name and password in a URL",
}
CANARY = "q7x2-canary"
STAGER = {"app.kubernetes.io/component": "stager"}


def env(name: str, **source: Any) -> list[dict[str, Any]]:
    return [{"name": name, **source}]


def engine(**fields: Any) -> dict[str, Any]:
    return workload(pod=template(container(**fields)))


def stager(**fields: Any) -> dict[str, Any]:
    pod = template(bare("substrate.local/stager:0.1.0", "stager", **fields), labels=STAGER)
    return workload("stage", pod, kind="Job", version="batch/v1")


def web(**fields: Any) -> dict[str, Any]:
    return workload("web", template(bare("nginx:1.29", "web", **fields)))


def config(**data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("files"), "data": data}


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN",
        "VLLM_API_KEY",
        "API_KEYS",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "CLIENT_SECRET",
        "ngc-api-key",
        "TOKEN",
        "hfToken_SECRET",
    ],
)
def test_variable_of_a_secrets_name_is_refused_in_a_model_server(name: str) -> None:
    said = only(engine(env=env(name, value=CANARY)))

    assert f"env {name} of container engine is written in plain text" in said
    assert "valueFrom.secretKeyRef" in said and CANARY not in said


@pytest.mark.parametrize(
    "manifest",
    [
        stager(env=env("AWS_SECRET_ACCESS_KEY", value=CANARY)),
        workload(
            pod=template(container(), initContainers=[bare("busybox:1.37", "get", env=env("TOKEN", value=CANARY))])
        ),
        workload(pod=template(container(env=env("TOKEN", value=CANARY))), kind="StatefulSet"),
        inference_service(
            {"model": {"modelFormat": {"name": "x"}, "env": env("HF_TOKEN", value=CANARY), "image": "a"}}
        ),
        {
            **workload(kind="LeaderWorkerSet", version="leaderworkerset.x-k8s.io/v1"),
            "spec": {"leaderWorkerTemplate": {"workerTemplate": template(container(env=env("TOKEN", value=CANARY)))}},
        },
    ],
)
def test_no_kind_of_workload_hides_a_secret(manifest: dict[str, Any]) -> None:
    assert CANARY not in only(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        *(
            engine(env=env(name, value=CANARY))
            for name in (
                "HF_TOKEN_FILE",
                "VLLM_API_KEY_PATH",
                "SECRET_NAME",
                "TOKENIZER",
                "MAX_TOKENS",
                "EOS_TOKEN",
                "PUBLIC_KEY",
                "CACHE_KEY",
                "MONKEY",
                "MODEL",
            )
        ),
        *(engine(env=env("VLLM_API_KEY", value=value)) for value in ("", "EMPTY", "none", "$(OTHER)")),
        engine(env=env("HF_TOKEN", valueFrom={"secretKeyRef": {"name": "hub", "key": "token"}})),
        engine(env=env("HF_TOKEN")),
        # What a variable is called in a program that is not known says too little.
        web(env=env("HF_TOKEN", value=CANARY)),
        workload("job", template(bare("registry.corp/job:1", env=env("TOKEN", value=CANARY))), kind="Job"),
    ],
)
def test_what_only_sounds_like_a_secret_passes(manifest: dict[str, Any]) -> None:
    assert judge(manifest) == []


@pytest.mark.parametrize("value", SHAPES)
def test_value_of_a_secrets_shape_is_refused_on_any_workload_and_in_a_config_map(value: str) -> None:
    for manifest in (
        web(env=env("SETTING", value=value)),
        web(args=["--setting", value]),
        web(command=["sh", "-c", f"run --setting '{value}'"]),
        knative({}, "registry.corp/function:4")
        | {"spec": {"template": template(bare("a:1", env=env("A", value=value)))}},
        config(**{"settings.yaml": f"first: 1\nsecond: {value}\n"}),
    ):
        said = only(manifest)
        assert SHAPES[value] in said
        assert value not in said and "q7x2" not in said.lower()


@pytest.mark.parametrize(
    "value",
    [
        "postgres://$(USER):$(PASSWORD)@db/main",
        "postgres://${USER}:${PASSWORD}@db/main",
        "ssh://git@github.com/corp/models",
        "https://models.example/a@b",
        "sk-learn-pipeline-for-flowers",
        "hf_home",
        "0" * 64,
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_value_that_is_no_secret_passes(value: str) -> None:
    assert judge(web(env=env("SETTING", value=value)), config(settings=value)) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--api-key", CANARY],
        [f"--api-key={CANARY}"],
        ["--hf-token", CANARY],
        ["--model", "/models/a", "--api_keys", CANARY],
    ],
)
def test_secret_as_an_argument_of_a_model_server_is_refused(words: list[str]) -> None:
    said = only(engine(args=words))
    shell = only(engine(command=["sh", "-c", f"vllm serve /models/a {' '.join(words)}"]))

    assert "container engine is given a secret as its argument --" in said
    assert CANARY not in said + shell and "--api-key-file" in said


@pytest.mark.parametrize(
    "manifest",
    [
        engine(args=["--api-key", "$(VLLM_API_KEY)"]),
        engine(command=["sh", "-c", "vllm serve /models/a --api-key $VLLM_API_KEY"]),
        engine(args=["--api-key-file", "/run/secrets/keys"]),
        engine(args=["--max-tokens", "512", "--tokenizer", "/models/a"]),
        web(args=["--token", "page"]),
    ],
)
def test_argument_that_names_a_secrets_place_passes(manifest: dict[str, Any]) -> None:
    assert judge(manifest) == []


def test_variable_of_a_secrets_name_whose_value_is_not_known_yet_is_told() -> None:
    assert [one.mandatory for one in judge(engine(env=env("HF_TOKEN", value=UNKNOWN)))] == [False]


def test_value_that_pulumi_keeps_secret_is_plain_in_the_pod_all_the_same() -> None:
    wrapped = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": CANARY}

    assert CANARY not in only(engine(env=env("HF_TOKEN", value=wrapped)))
