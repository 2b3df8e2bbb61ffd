"""No server of a language model fetches its weights at pod start, whichever program, flag, variable or URI would."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import STACK, UNKNOWN, topic
from tests.policies.written import (
    LLM,
    VLLM,
    bare,
    container,
    inference_service,
    knative,
    metadata,
    template,
    workload,
)

judge, violations, only = topic("fetched")

Manifest = dict[str, Any]
HUB = "meta-llama/Llama-3.1-8B-Instruct"
LLAMA, TGI = "ghcr.io/ggml-org/llama.cpp:server-b6942", "ghcr.io/huggingface/text-generation-inference:3.3.7"
SGLANG, TRITON = "lmsysorg/sglang:v0.6.0", "nvcr.io/nvidia/tritonserver:26.07-py3"
OFFLINE = ("HF_HUB_OFFLINE", "1")


def env(*pairs: tuple[str, str]) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in pairs]


def serving(*args: str, image: str = VLLM, variables: tuple[tuple[str, str], ...] = (), **fields: Any) -> Manifest:
    engine = container(image, args=list(args), env=env(*variables), **fields)
    return workload(pod=template(engine))


def script(text: str, image: str = VLLM) -> Manifest:
    return workload(pod=template(container(image, command=["bash", "-c", text], env=[])))


def prepared(*command: str, image: str = "corp/tools:1", **fields: Any) -> Manifest:
    """A server of staged weights behind an init container."""
    first = bare(image, "fetch", **({"command": list(command)} if command else {}), **fields)
    return workload(pod=template(container(args=["--model=/models/a"]), initContainers=[first]))


def model(**said: Any) -> Manifest:
    return inference_service({"model": {"modelFormat": {"name": "vLLM"}, **said}})


def llm_service(uri: str, **said: Any) -> Manifest:
    body = {"model": {"uri": uri, "name": "llama", **said}}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": metadata("llama"),
        "spec": body,
    }


S3 = "s3://models/llama/"
FETCHED: dict[str, tuple[Manifest, str]] = {
    # A name on a hub.
    "vLLM, --model": (serving("--model", HUB), "argument --model of container engine names a model of a hub"),
    "vLLM, --model=": (serving(f"--model={HUB}"), "argument --model"),
    "vLLM by position": (serving(HUB, "--port=80"), "model argument of container engine"),
    "vllm serve": (serving(command=["vllm", "serve", HUB]), "model argument of container engine"),
    "in a script": (script(f"exec vllm serve {HUB} --port 80"), "model argument"),
    "Python's module": (serving("--model", HUB, command=["python3", "-m", "vllm.entrypoints.openai"]), "--model"),
    "offline said to be off": (serving("--model", HUB, variables=(("HF_HUB_OFFLINE", "0"),)), "--model"),
    "a variable of the pod": (serving("--model=$(NAME)", variables=(("NAME", HUB),)), "--model"),
    "TGI": (serving(f"--model-id={HUB}", image=TGI), "argument --model-id"),
    "TGI's variable": (serving(image=TGI, variables=(("MODEL_ID", HUB),)), "variable MODEL_ID"),
    "SGLang": (
        serving("--model-path", HUB, image=SGLANG, command=["python3", "-m", "sglang.launch_server"]),
        "argument --model-path",
    ),
    "KServe's huggingfaceserver": (
        serving(f"--model_id={HUB}", image="kserve/huggingfaceserver:v0.19.0"),
        "argument --model-id",
    ),
    "KServe's runtime by an argument": (model(args=[f"--model_id={HUB}"]), "argument --model-id of container model"),
    "a secret in envFrom, which is a key": (
        serving("--model", HUB, envFrom=[{"secretRef": {"name": "hub"}}]),
        "argument --model",
    ),
    # llama.cpp's own ways.
    "llama.cpp, -hf": (serving("-hf", "ggml-org/a-GGUF:Q4_K_M", image=LLAMA), "argument -hf"),
    "llama.cpp, --hf-repo": (serving("--hf-repo", "ggml-org/a-GGUF", image=LLAMA), "argument --hf-repo"),
    "llama.cpp, a URL": (serving("-mu", "https://a.example/a.gguf", image=LLAMA), "argument -mu"),
    "llama.cpp, a variable": (
        serving(image=LLAMA, variables=(("LLAMA_ARG_HF_REPO", "a/b"),)),
        "variable LLAMA_ARG_HF_REPO",
    ),
    # Stores that engines read themselves.
    "vLLM streams": (
        serving("--model", S3, "--load-format=runai_streamer", variables=(OFFLINE,)),
        "argument --model of container engine leads to s3://",
    ),
    "Triton's repository": (
        serving("tritonserver", f"--model-repository={S3}", image=TRITON),
        "argument --model-repository of container engine leads to s3://",
    ),
    "Triton's repository, the older way": (serving("--model-store=gs://a/b", image=TRITON), "leads to gs://"),
    "tensorizer": (
        serving("--load-format=tensorizer", '--model-loader-extra-config={"tensorizer_uri": "s3://a/b"}', "/models/a"),
        "argument --model-loader-extra-config",
    ),
    "KServe's variable": (
        inference_service(
            {"model": None, "containers": [bare("corp/x:1", "kserve-container", env=env(("STORAGE_URI", S3)))]}
        ),
        "variable STORAGE_URI of container kserve-container leads to s3://",
    ),
    # Programs, in init containers, scripts, hooks.
    "aws": (prepared("aws", "s3", "sync", S3, "/models"), "init container fetch fetches with aws as it starts"),
    "aws by its image": (prepared(image="amazon/aws-cli:2.31.0", args=["s3", "cp", S3, "/m", "--recursive"]), "aws"),
    "aws by its image, the command null": (
        prepared(image="amazon/aws-cli:2.31.0", args=["s3", "sync", S3, "/models"], command=None),
        "with aws",
    ),
    "aws with its options first": (prepared("aws", "s3", "cp", "--recursive", "s3://a/b", "/models"), "with aws"),
    "gsutil": (prepared("gsutil", "-m", "cp", "-r", "gs://a/b", "/models"), "with gsutil"),
    "gcloud": (prepared("gcloud", "storage", "rsync", "gs://a/b", "/models"), "with gcloud"),
    "s5cmd": (prepared("/s5cmd", "cp", "s3://a/b/*", "/models/"), "with s5cmd"),
    "rclone by its image": (prepared(image="rclone/rclone:1.71", args=["copy", "store:a", "/models"]), "with rclone"),
    "mc in a script": (prepared("sh", "-c", "mc alias set a http://b && mc cp -r a/m /models"), "with mc"),
    "huggingface-cli": (prepared("huggingface-cli", "download", HUB, "--local-dir", "/m"), "with huggingface-cli"),
    "hf": (prepared("sh", "-c", f"pip install -q huggingface_hub; hf download {HUB}"), "with hf"),
    "Python": (
        prepared("python", "-c", f"from huggingface_hub import snapshot_download as s; s('{HUB}')"),
        "with snapshot_download",
    ),
    "wget": (prepared("wget", "-O", "/models/a.gguf", "https://huggingface.co/a/b/resolve/main/a.gguf"), "with wget"),
    "curl of a file of weights": (
        prepared("sh", "-c", "curl -L https://mirror.example/a.safetensors -o /models/a.safetensors"),
        "with curl",
    ),
    "git": (prepared("git", "clone", f"https://huggingface.co/{HUB}", "/models"), "with git"),
    "KServe's storage-initializer": (
        prepared(image="kserve/storage-initializer:v0.19.0", args=[S3, "/mnt/models"]),
        "with KServe's storage-initializer",
    ),
    "before the server, in its own script": (
        script("aws s3 cp --recursive s3://a/b /models && exec vllm serve /models"),
        "container engine fetches with aws",
    ),
    "Ollama after its start": (
        workload(
            pod=template(
                container(
                    "ollama/ollama:0.17.4",
                    lifecycle={"postStart": {"exec": {"command": ["sh", "-c", "sleep 5; ollama pull llama3.2"]}}},
                )
            )
        ),
        "container engine fetches with ollama",
    ),
    # KServe's URIs.
    "storageUri": (model(storageUri=S3), "spec.predictor.model.storageUri leads to s3://"),
    "storageUri of a hub": (model(storageUri=f"hf://{HUB}:main"), "storageUri leads to hf://"),
    "storageUri by HTTP": (model(storageUri="https://a.example/m.tar.gz"), "storageUri leads to https://"),
    "one of several": (
        model(storageUris=[{"uri": "pvc://a/b"}, {"uri": "gs://a/b"}]),
        "spec.predictor.model.storageUris[1].uri leads to gs://",
    ),
    "a key of storage-config": (model(storage={"key": "minio", "path": "llama"}), "spec.predictor.model.storage leads"),
    "the older way": (
        inference_service({"model": None, "huggingface": {"storageUri": S3}}),
        "spec.predictor.huggingface.storageUri leads to s3://",
    ),
    "LLMInferenceService": (llm_service(f"hf://{HUB}"), "spec.model.uri leads to hf://"),
    "its adapters": (
        llm_service("pvc://a/b", lora={"adapters": [{"uri": "hf://a/b"}]}),
        "spec.model.lora.adapters[0].uri leads to hf://",
    ),
    # Other kinds.
    "a StatefulSet": ({**serving("--model", HUB), "kind": "StatefulSet"}, "StatefulSet ml/llama: argument --model"),
    "Knative": (
        {**knative({}), "spec": {"template": template(container(args=["--model", HUB], env=[]))}},
        "argument --model",
    ),
    "a leader and its workers": (
        {
            **workload(kind="LeaderWorkerSet", version="leaderworkerset.x-k8s.io/v1"),
            "spec": {"leaderWorkerTemplate": {"workerTemplate": template(container(args=[HUB], env=[]))}},
        },
        "model argument",
    ),
    "a Job of vLLM that is no stager": (
        {**serving("--model", HUB), "apiVersion": "batch/v1", "kind": "Job"},
        "argument --model",
    ),
}


@pytest.mark.parametrize(("manifest", "found"), FETCHED.values(), ids=FETCHED.keys())
def test_fetch_at_pod_start_is_refused(manifest: Manifest, found: str) -> None:
    message = only(manifest)

    assert found in message
    assert "stage the weights once, with a Job labelled app.kubernetes.io/component: stager" in message


AT_HAND: dict[str, list[Manifest]] = {
    "a path": [serving("--model", "/models/llama")],
    "a path by position": [serving("/models/meta/llama")],
    "a hub's name, offline": [serving("--model", HUB, variables=(OFFLINE,))],
    "offline in words": [serving("--model", HUB, variables=(("TRANSFORMERS_OFFLINE", "TRUE"),))],
    "offline in a script": [script(f"export HF_HUB_OFFLINE=1; vllm serve {HUB}")],
    "a variable that vLLM does not read": [
        serving("--model=/models/a", variables=(("MODEL_NAME", HUB), ("MODEL_ID", HUB)))
    ],
    "a served name like a hub's": [serving("/models/a", f"--served-model-name={HUB}")],
    "a tokenizer of llama.cpp's, offline": [serving("-hf", "a/b", "--offline", image=LLAMA)],
    "a folder of llama.cpp's": [serving("-m", "models/a.gguf", image=LLAMA)],
    "Triton's folder": [serving("--model-repository=/models", image=TRITON)],
    "a claim": [model(storageUri="pvc://a/b")],
    "an image": [model(storageUri="oci://registry.corp/llama:1")],
    "an LLMInferenceService's claim": [llm_service("pvc://a/b")],
    "a cache on the nodes": [
        model(storageUri="hf://a/b"),
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "LocalModelCache",
            "metadata": {"name": "b"},
            "spec": {"sourceModelUri": "hf://a/b"},
        },
    ],
    "a file of settings": [prepared("aws", "s3", "cp", "s3://config/chat-template.jinja", "/config/")],
    "an upload of many": [prepared("aws", "s3", "cp", "/logs", "s3://logs/", "--recursive", "--region", "eu-west-1")],
    "an upload": [prepared("aws", "s3", "cp", "/logs/last", "s3://logs/last")],
    "code of ours": [prepared("git", "clone", "https://github.com/corp/filters", "/filters")],
    "a tool": [prepared("curl", "-LO", "https://mirror.example/tool-1.2.tar.gz")],
    "a wait": [prepared("sh", "-c", "until curl -sf http://router:8000/health; do sleep 1; done")],
    "a copy between folders": [prepared("cp", "-r", "/image/models", "/models")],
    "a word in another's name": [prepared("sh", "-c", "echo aws sync done")],
    "the stager": [
        {
            **serving("--model", HUB),
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata("stage", {"app.kubernetes.io/component": "stager", **LLM}),
        }
    ],
    "a downloader that serves nothing": [
        workload(pod={"spec": {"containers": [bare("corp/tools:1", command=["hf", "download", HUB])]}})
    ],
    "a classical model": [
        inference_service({"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://m/iris"}})
    ],
    "a sidecar that reads a store": [
        workload(pod=template(container(), bare("corp/log:1", "log", args=["--model", "s3://a/b"])))
    ],
}


@pytest.mark.parametrize("stack", AT_HAND.values(), ids=AT_HAND.keys())
def test_weights_at_hand_pass(stack: list[Manifest]) -> None:
    assert judge(*stack) == []


def test_variables_of_a_config_map_are_not_guessed() -> None:
    lent = serving("--model", HUB, envFrom=[{"configMapRef": {"name": "engine"}}])
    (told,) = judge(lent)

    assert "fetched-at-start is not applicable to Deployment ml/llama: HF_HUB_OFFLINE of container" in told.message


def test_model_in_a_variable_that_is_elsewhere_is_not_guessed() -> None:
    (told,) = judge(serving("--model=$(NAME)"))

    assert "fetched-at-start is not applicable" in told.message and "argument --model of container" in told.message


def test_each_container_is_told_of_once() -> None:
    both = workload(pod=template(*(container(name=name, args=[HUB, f"--model={HUB}"], env=[]) for name in "ab")))

    assert len(violations(both)) == 2


def test_no_name_of_a_model_and_no_key_is_told() -> None:
    private = "s3://AKIA-do-not-print/secret-model"
    told = violations(
        serving("--model", private), model(storageUri=private), prepared("aws", "s3", "cp", private, "/m")
    )

    assert len(told) == 3
    assert not [text for text in told if "do-not-print" in text or "secret-model" in text]


@pytest.mark.parametrize(
    "manifest",
    [
        serving("--model", UNKNOWN),
        model(storageUri=UNKNOWN),
        serving("--model", HUB, variables=(("A", "b"), ("HF_HUB_OFFLINE", UNKNOWN))),
    ],
)
def test_value_that_only_the_update_knows_is_told(manifest: Manifest) -> None:
    (told,) = [one for one in judge(manifest) if one.policy == STACK]

    assert "can't run policy" in told.message and not told.mandatory
