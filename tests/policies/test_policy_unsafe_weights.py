"""No server reads pickles or runs a repository's code, in whatever spelling, unless somebody allowed it by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate.manifests import serving as built
from tests.policies.judging import RESOURCE, UNKNOWN, topic
from tests.policies.written import VLLM, bare, container, inference_service, knative, template, workload
from tests.stacks import document, plan_document, plan_of, server

judge, violations, only = topic("unsafe_weights")

Manifest = dict[str, Any]
LLAMA, TGI = "ghcr.io/ggml-org/llama.cpp:server-b6942", "ghcr.io/huggingface/text-generation-inference:3.3.7"
FLAG = "argument --trust-remote-code of container"
ALLOW = "substrate.dev/allow-remote-code"


def serving(*args: str, image: str = VLLM, variables: dict[str, str] | None = None, **fields: Any) -> Manifest:
    env = [{"name": name, "value": value} for name, value in (variables or {}).items()]
    return workload(pod=template(container(image, args=list(args), env=env, **fields)))


def script(text: str) -> Manifest:
    return workload(pod=template(container(command=["sh", "-c", text])))


def model(**said: Any) -> Manifest:
    return inference_service({"model": {"modelFormat": {"name": "vLLM"}, **said}})


PICKLED: dict[str, tuple[Manifest, str]] = {
    "a file of PyTorch's": (serving("--model", "/models/a.pt"), "argument --model of container engine names a file"),
    "by position": (serving("/models/pytorch_model.bin"), "model argument of container engine"),
    "vllm serve": (serving(command=["vllm", "serve", "/models/a.pth"]), "model argument"),
    "a checkpoint": (serving("--model-path=/models/last.CKPT", image="lmsysorg/sglang:v0.6.0"), "--model-path"),
    "a variable": (serving(image=TGI, variables={"MODEL_ID": "/models/a.bin"}), "variable MODEL_ID"),
    "a draft": (serving("/models/a", "--draft-model=/models/draft.pkl"), "argument --draft-model"),
    "the loader of pickles": (serving("/models/a", "--load-format", "pt"), "argument --load-format"),
    "the loader of arrays": (serving("/models/a", "--load_format=npcache"), "argument --load-format"),
    "in a script": (script("vllm serve /models/a --load-format=pt"), "argument --load-format"),
    "KServe's URI": (model(storageUri="pvc://a/model.pt"), "spec.predictor.model.storageUri names a file of pickles"),
    "KServe's argument": (model(args=["--load-format=pt"]), "--load-format of container model"),
    "a StatefulSet": ({**serving("/models/a.pt"), "kind": "StatefulSet"}, "model argument"),
    "a Job": ({**serving("/models/a.pt"), "kind": "Job", "apiVersion": "batch/v1"}, "model argument"),
}


@pytest.mark.parametrize(("manifest", "found"), PICKLED.values(), ids=PICKLED.keys())
def test_pickled_weights_are_refused(manifest: Manifest, found: str) -> None:
    message = only(manifest)

    assert found in message and ".safetensors" in message


@pytest.mark.parametrize(
    "manifest",
    [
        serving("--model", "/models/a.safetensors"),
        serving("/models/binary.model"),
        serving("-m", "/models/ggml-model.bin", image=LLAMA),
        serving("/models/a", "--load-format=auto", "--chat-template=/etc/template.bin"),
        serving("/models/a", "--served-model-name=llama.pt"),
        model(storageUri="pvc://a/llama.gguf"),
        inference_service({"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "pvc://a/iris.joblib"}}),
        workload(pod={"spec": {"containers": [bare("corp/train:1", args=["--model", "/models/a.pt"])]}}),
    ],
)
def test_weights_that_hold_numbers_only_pass(manifest: Manifest) -> None:
    assert judge(manifest) == []


TRUSTED: dict[str, tuple[Manifest, str]] = {
    "the flag": (serving("/models/a", "--trust-remote-code"), FLAG),
    "with underscores": (serving("/models/a", "--trust_remote_code"), FLAG),
    "mixed": (serving("/models/a", "--trust-remote_code"), FLAG),
    "=true": (serving("/models/a", "--trust-remote-code=true"), FLAG),
    "=True": (serving("/models/a", "--trust_remote_code=True"), FLAG),
    "in two words": (serving("/models/a", "--trust-remote-code", "true"), FLAG),
    "before another flag": (serving("/models/a", "--trust-remote-code", "--port=80"), FLAG),
    "cut short": (serving("/models/a", "--trust-rem"), FLAG),
    "below another option": (serving("/models/a", "--speculative-config.trust_remote_code=true"), FLAG),
    "in a script": (script("exec vllm serve /models/a --trust-remote-code --port 80"), FLAG),
    "in a script's variable": (script("A='--trust-remote-code'; vllm serve /m $A"), "container engine is set"),
    "in JSON": (
        serving("/models/a", "--speculative-config", '{"model": "/m", "trust_remote_code": true}'),
        "trust_remote_code in an argument of container engine",
    ),
    "in Python": (
        serving(command=["python", "-c", "from vllm import LLM; LLM('/m', trust_remote_code=True)"]),
        "trust_remote_code in an argument",
    ),
    "TGI's variable": (serving(image=TGI, variables={"TRUST_REMOTE_CODE": "true"}), "variable TRUST_REMOTE_CODE"),
    "another's variable": (
        serving("/models/a", variables={"HF_HUB_TRUST_REMOTE_CODE": "1"}),
        "variable HF_HUB_TRUST_REMOTE_CODE",
    ),
    "KServe's argument": (model(args=["--trust_remote_code"]), f"{FLAG} model"),
    "an init container": (
        workload(
            pod=template(
                container(args=["/models/a"]),
                initContainers=[container("corp/x:1", "warm", args=["--trust-remote-code"])],
            )
        ),
        "argument --trust-remote-code of init container warm",
    ),
    "a worker": (
        {
            **workload(kind="LeaderWorkerSet", version="leaderworkerset.x-k8s.io/v1"),
            "spec": {
                "leaderWorkerTemplate": {
                    "leaderTemplate": template(container()),
                    "workerTemplate": template(container(args=["--trust-remote-code"])),
                }
            },
        },
        FLAG,
    ),
    "Knative": (
        {**knative({}), "spec": {"template": template(container(args=["--trust-remote-code"]))}},
        FLAG,
    ),
    "a runtime": (
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "ClusterServingRuntime",
            "metadata": {"name": "llama"},
            "spec": {"containers": [container(name="kserve-container", args=["--trust-remote-code"])]},
        },
        FLAG,
    ),
}


@pytest.mark.parametrize(("manifest", "found"), TRUSTED.values(), ids=TRUSTED.keys())
def test_code_of_a_repository_is_refused(manifest: Manifest, found: str) -> None:
    message = only(manifest)

    assert found in message and f"annotate {ALLOW}" in message


@pytest.mark.parametrize(
    "manifest",
    [
        serving("/models/a"),
        serving("/models/a", "--no-trust-remote-code"),
        serving("/models/a", "--trust-remote-code=false"),
        serving("/models/a", "--trust-remote-code", "False"),
        serving("/models/a", "--trust-request-chat-template"),
        serving("/models/trust-remote-code"),
        serving("/models/a", variables={"TRUST_REMOTE_CODE": "false"}),
        serving("/models/a", '--hf-overrides={"trust_remote_code": false}'),
        workload(pod={"spec": {"containers": [bare("corp/train:1", args=["--trust-remote-code"])]}}),
    ],
)
def test_what_runs_no_code_of_a_repository_passes(manifest: Manifest) -> None:
    assert judge(manifest) == []


@pytest.mark.parametrize("where", ["object", "pods"])
def test_permission_by_name_needs_a_reason(where: str) -> None:
    trusted = serving("/models/a", "--trust-remote-code")
    holder = trusted["metadata"] if where == "object" else trusted["spec"]["template"]["metadata"]

    holder["annotations"] = {ALLOW: "read at 4f2a by the platform team"}
    assert judge(trusted) == []
    holder["annotations"] = {ALLOW: " "}
    assert FLAG in only(trusted)


def test_variable_from_elsewhere_is_not_guessed() -> None:
    lent = {"name": "TRUST_REMOTE_CODE", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}
    (told,) = judge(workload(pod=template(container(args=["/models/a"], env=[lent]))))

    assert "remote-code is not applicable" in told.message and "TRUST_REMOTE_CODE of container" in told.message


@pytest.mark.parametrize("manifest", [serving(UNKNOWN), serving("/models/a", variables={"TRUST_REMOTE_CODE": UNKNOWN})])
def test_value_that_only_the_update_knows_is_told(manifest: Manifest) -> None:
    (told,) = [one for one in judge(manifest) if one.policy == RESOURCE]

    assert "can't run policy" in told.message and not told.mandatory


def test_permission_of_the_stack_file_is_the_one_that_the_rule_reads(tmp_path: Path) -> None:
    data = document("fleet")
    models = data["config"]["substrate:models"]
    name = next(one for one in models if server(plan_of("fleet"), one).engine.name == "vllm")
    models[name] |= {"permissions": ["trust-remote-code"], "extraArgs": ["--trust-remote-code"]}
    deployment = built.deployment(server(plan_document(data, tmp_path, "fleet"), name))

    assert deployment["metadata"]["annotations"][ALLOW] == f"models.{name}.permissions of the stack file"
    assert judge(deployment) == []
    del deployment["metadata"]["annotations"][ALLOW]
    assert FLAG in only(deployment)
