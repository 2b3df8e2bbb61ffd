"""Which workloads serve a language model, with the evidence as words for a message. Imports `objects` and `pods`.

Decisive alone: our label, KServe's kinds (unless the format is a classical one, as sklearn or tensorflow), a known
server's image, a known server's command. A GPU is not: batch jobs and graphics ask for one too. A GPU together with a
flag or variable that only language-model servers take is, and so is a GPU for what KServe serves with a container of
the user's own or with Triton, which serve anything. A name never is.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, mapping, sequence, text
from policies.resources.pods import KSERVE_CONTAINERS, KSERVE_FRAMEWORKS, KSERVE_GROUP, Container, Pod, labelled
from policies.settings import Settings

DOMAIN = "substrate.dev"
STAGER_LABEL, STAGER_VALUE = "app.kubernetes.io/component", "stager"
WORKLOAD_LABEL, WORKLOAD_VALUE = f"{DOMAIN}/workload", "llm"
OTHER_MODEL = "model"  # of that label: a server of models that are no language models
CLASSICAL_FORMATS = frozenset(
    {"sklearn", "xgboost", "lightgbm", "pmml", "paddle", "mlflow", "tensorflow", "pytorch", "onnx", "keras", "spark"}
)
_ANY_MODEL = "triton"  # a format that says nothing of the model

# The last part of a repository, whatever registry or mirror it lies in -> the engine it serves.
ENGINE_BY_REPOSITORY = {
    r"vllm.*": "vllm",
    r"lmcache.*": "vllm",
    r"llama\.cpp.*|llama-cpp.*|llama-server.*": "llama.cpp",
    r"text-generation-inference.*": "tgi",
    r"ollama": "ollama",
    r"tritonserver.*": "triton",
    r"huggingfaceserver.*": "vllm",
    r"sglang.*": "sglang",
    r"lmdeploy.*|tensorrt-llm.*|lorax.*|aphrodite-engine|tabbyapi|koboldcpp|localai|mlc-llm.*|ray-llm.*": "",
}
# Beside the server, not the server: these belong to the same projects and scale like any web program.
NOT_A_SERVER = re.compile(
    r"router|gateway|proxy|exporter|dashboard|operator|controller|adapter|benchmark|webui|-ui\b|client"
)
NIM_REGISTRY = "nvcr.io/nim/"

# A program that is a server by its name, a program with its sub-command, a Python module.
_PROGRAMS = {
    "llama-server": "llama.cpp", "tritonserver": "triton", "text-generation-launcher": "tgi", "trtllm-serve": "",
    "lorax-launcher": "",
}  # fmt: skip
_SUBCOMMANDS = {
    ("vllm", "serve"): "vllm", ("ollama", "serve"): "ollama", ("lmdeploy", "serve"): "", ("sglang", "serve"): "sglang",
    ("mlc_llm", "serve"): "",
}  # fmt: skip
_MODULES = {
    "vllm": "vllm", "sglang": "sglang", "llama_cpp": "llama.cpp", "huggingfaceserver": "vllm", "mlc_llm": "",
    "lmdeploy": "", "tensorrt_llm": "",
}  # fmt: skip

GPU_RESOURCE = re.compile(r"(^|[./])(gpu|mig-.*|gaudi|tpu|neuron.*|xe|i915)$|^nvidia\.com/")
_LLM_FLAG = re.compile(
    r"--(served-model-name|max-model-len|tensor-parallel-size|max-num-seqs|ctx-size|n-gpu-layers|max-total-tokens"
    r"|max-input-(length|tokens)|kv-cache-dtype|chat-template)(=|$)|.*\.gguf$"
)
# A client too knows the address of a server, and training and notebooks have the token of a hub: those are no signs.
_LLM_VARIABLE = re.compile(r"(VLLM|LLAMA_ARG|SGLANG|OLLAMA|TGI)_(?!(\w*_)?(URL|URI|ENDPOINT|ADDRESS|API_BASE)$)")


@dataclass(frozen=True)
class Evidence:
    """Why a workload counts as serving a model, on which engine ("" where that is open).

    `language` is false only where the workload says so itself: what is scaled and measured then is its own affair, and
    how its pods and weights are kept is not.
    """

    why: str
    engine: str = ""
    language: bool = True

    def __str__(self) -> str:
        return self.why


def evidence(obj: KubernetesObject, pods: Sequence[Pod], settings: Settings) -> Evidence | None:
    """The first piece of evidence, None for an ordinary workload. Raises UnknownValueError where that is open."""
    containers = [container for pod in pods for container in pod.containers]
    return (
        _by_label(obj, pods)
        or _by_kind(obj, containers)
        or _first(_by_image(container, settings.engine_images) for container in containers)
        or _first(_by_command(container) for container in containers)
        or _first(_by_gpu(container) for container in containers)
    )


def servers(pod: Pod, settings: Settings) -> list[tuple[Container, str]]:
    """The containers of a model's pod that serve it, each with its engine ("" where that is open).

    Where none says so itself, each that listens to a port may be the one, or else any. Raises UnknownValueError.
    """
    running = [one for one in pod.containers if one.role == "container"]
    told = [(one, engine_in(one, settings.engine_images)) for one in running]
    found = [(one, engine) for one, engine in told if engine is not None]
    return (
        found or [(one, "") for one in running if one.body.get("ports") is not None] or [(one, "") for one in running]
    )


def engine_in(container: Container, further: Sequence[str] = ()) -> str | None:
    """The engine that a container runs, "" where it is a server but which is open, None for any other container."""
    found = _by_image(container, further) or _by_command(container) or _by_gpu(container)
    if found:
        return found.engine
    return "" if container.name in ("model", "kserve-container") else None


def is_stager(obj: KubernetesObject, pods: Sequence[Pod]) -> bool:
    """The Job that writes the weights. Only a Job: the label does not excuse a server."""
    return obj.kind == "Job" and any(
        text(holder.labels.get(STAGER_LABEL)) == STAGER_VALUE for holder in labelled(obj, pods)
    )


def _first(found: Iterable[Evidence | None]) -> Evidence | None:
    return next((item for item in found if item), None)


def _by_label(obj: KubernetesObject, pods: Sequence[Pod]) -> Evidence | None:
    for holder in labelled(obj, pods):
        for values, word in ((holder.labels, "label"), (holder.annotations, "annotation")):
            said = text(values.get(WORKLOAD_LABEL))
            if said in (WORKLOAD_VALUE, OTHER_MODEL):
                engine = text(holder.labels.get(f"{DOMAIN}/engine")) or ""
                return Evidence(f"{word} {WORKLOAD_LABEL}: {said}", engine, said == WORKLOAD_VALUE)
    return None


def _by_kind(obj: KubernetesObject, containers: Sequence[Container]) -> Evidence | None:
    if obj.group != KSERVE_GROUP or obj.kind not in ("InferenceService", "LLMInferenceService"):
        return None
    # Version v1alpha2 wrote it one deeper; its samples are still about.
    predictor = mapping(obj.spec.get("predictor") or dig(obj.spec, "default", "predictor"))
    served = _kserve_format(predictor)
    if served in CLASSICAL_FORMATS:
        return None
    why = f"kind {obj.kind} of KServe" + (f", format {served}" if served else "")
    if served != _ANY_MODEL and not _own_containers(predictor):
        return Evidence(why)
    asking = ((container, gpu_of(container)) for container in containers)
    return _first(Evidence(f"{why}, and {one} asks for {resource}") for one, resource in asking if resource)


def _own_containers(predictor: Object) -> bool:
    """Whether the server is a container of the user's own, with no runtime of KServe's."""
    own = bool(sequence(predictor.get("containers"))) or "custom" in predictor  # the latter in v1alpha2
    return own and not any(name in predictor for name in KSERVE_CONTAINERS)


def _kserve_format(predictor: Object) -> str:
    named = text(mapping(mapping(predictor.get("model")).get("modelFormat")).get("name"))
    return named or next((framework for framework in KSERVE_FRAMEWORKS if framework in predictor), "")


def _by_image(container: Container, further: Sequence[str]) -> Evidence | None:
    image = container.image or ""
    engine = engine_of_image(image, further)
    return None if engine is None else Evidence(f"{container} runs image {image}", engine)


def engine_of_image(image: str, further: Sequence[str] = ()) -> str | None:
    """The engine that an image serves, "" where it is one but which is open, None for any other image."""
    repository = image.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    if any(fnmatch.fnmatchcase(repository, pattern) for pattern in further) or repository.startswith(NIM_REGISTRY):
        return ""
    parts = repository.lower().split("/")
    if NOT_A_SERVER.search(parts[-1]):
        return None
    for pattern, engine in ENGINE_BY_REPOSITORY.items():
        if any(re.fullmatch(pattern, part) for part in parts[-2:]):
            return engine
    return None


def _by_command(container: Container) -> Evidence | None:
    found = server_command(container.words)
    return Evidence(f"{container} runs `{found[0]}`", found[1]) if found else None


def server_command(words: Sequence[str]) -> tuple[str, str] | None:
    """(the words that start a known server, its engine). Only those words are returned: arguments may hold secrets."""
    programs = [word.rpartition("/")[2] for word in words]
    for pair in pairwise(programs):
        if pair in _SUBCOMMANDS:
            return " ".join(pair), _SUBCOMMANDS[pair]
    for flag, module in pairwise(words):
        if flag == "-m" and module.partition(".")[0] in _MODULES:
            return f"-m {module}", _MODULES[module.partition(".")[0]]
    for before, word, program in zip(["", *words], words, programs, strict=False):
        if program in _PROGRAMS and "://" not in word and not _takes_value(before):
            return program, _PROGRAMS[program]
    return None


def _takes_value(word: str) -> bool:
    """Whether the next word may be this one's value: `--upstream llama-server` starts nothing."""
    return word.startswith("-") and "=" not in word and word not in ("--", "-c", "-lc", "-ec")


def _by_gpu(container: Container) -> Evidence | None:
    resource = gpu_of(container)
    sign = _language_model_sign(container) if resource else None
    return Evidence(f"{container} asks for {resource} and sets {sign}") if sign else None


def gpu_of(container: Container) -> str | None:
    """The GPU that a container asks for, by its resource's name."""
    resources = mapping(container.body.get("resources"))
    asked = [*mapping(resources.get("limits")), *mapping(resources.get("requests"))]
    return next((name for name in asked if GPU_RESOURCE.search(name)), None)


def _language_model_sign(container: Container) -> str | None:
    for word in container.words:
        if found := _LLM_FLAG.match(word):
            return "a .gguf model" if word.endswith(".gguf") else found[0].removesuffix("=")
    return next((name for name in container.environment if _LLM_VARIABLE.match(name)), None)
