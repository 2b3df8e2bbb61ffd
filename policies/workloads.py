"""Which workloads serve a language model, with the evidence as words for a message. Imports `objects` and `pods`.

Decisive alone: our label, KServe's kinds (unless the format is a classical one, as sklearn), a known server's image, a
known server's command. A GPU is not: batch jobs and graphics ask for one too. A GPU together with a flag or variable
that only language-model servers take is. A name never is.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from policies.objects import KubernetesObject
from policies.options import Options
from policies.plain import mapping, text
from policies.pods import KSERVE_FRAMEWORKS, KSERVE_GROUP, Container, Pod, labelled

DOMAIN = "substrate.dev"
WORKLOAD_LABEL, WORKLOAD_VALUE = f"{DOMAIN}/workload", "llm"
CLASSICAL_FORMATS = frozenset({"sklearn", "xgboost", "lightgbm", "pmml", "paddle", "mlflow"})

# The last part of a repository, whatever registry or mirror it lies in -> the engine it serves.
_ENGINE_BY_REPOSITORY = {
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
_NOT_A_SERVER = re.compile(
    r"router|gateway|proxy|exporter|dashboard|operator|controller|adapter|benchmark|webui|-ui\b|client"
)
_NIM_REGISTRY = "nvcr.io/nim/"

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

_GPU = re.compile(r"(^|[./])(gpu|mig-.*|gaudi|tpu|neuron.*|xe|i915)$|^nvidia\.com/")
_LLM_FLAG = re.compile(
    r"--(served-model-name|max-model-len|tensor-parallel-size|max-num-seqs|ctx-size|n-gpu-layers|max-total-tokens"
    r"|max-input-(length|tokens)|kv-cache-dtype|chat-template)(=|$)|.*\.gguf$"
)
_LLM_VARIABLE = re.compile(r"(VLLM|LLAMA_ARG|SGLANG|OLLAMA|TGI)_|(HF_TOKEN|HUGGING_FACE_HUB_TOKEN)$")


@dataclass(frozen=True)
class Evidence:
    """Why a workload counts as serving a language model, and on which engine ("" where that is open)."""

    why: str
    engine: str = ""

    def __str__(self) -> str:
        return self.why


def evidence(obj: KubernetesObject, pods: Sequence[Pod], options: Options) -> Evidence | None:
    """The first piece of evidence, None for an ordinary workload. Raises UnknownValueError where that is open."""
    containers = [container for pod in pods for container in pod.containers]
    return (
        _by_label(obj, pods)
        or _by_kind(obj)
        or _first(_by_image(container, options.engine_images) for container in containers)
        or _first(_by_command(container) for container in containers)
        or _first(_by_gpu(container) for container in containers)
    )


def _first(found: Iterable[Evidence | None]) -> Evidence | None:
    return next((item for item in found if item), None)


def _by_label(obj: KubernetesObject, pods: Sequence[Pod]) -> Evidence | None:
    for holder in labelled(obj, pods):
        for values, word in ((holder.labels, "label"), (holder.annotations, "annotation")):
            if text(values.get(WORKLOAD_LABEL)) == WORKLOAD_VALUE:
                engine = text(holder.labels.get(f"{DOMAIN}/engine")) or ""
                return Evidence(f"{word} {WORKLOAD_LABEL}: {WORKLOAD_VALUE}", engine)
    return None


def _by_kind(obj: KubernetesObject) -> Evidence | None:
    if obj.group != KSERVE_GROUP or obj.kind not in ("InferenceService", "LLMInferenceService"):
        return None
    served = _kserve_format(obj)
    if served in CLASSICAL_FORMATS:
        return None
    return Evidence(f"kind {obj.kind} of KServe" + (f", format {served}" if served else ""))


def _kserve_format(obj: KubernetesObject) -> str:
    predictor = mapping(obj.spec.get("predictor"))
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
    if any(fnmatch.fnmatchcase(repository, pattern) for pattern in further) or repository.startswith(_NIM_REGISTRY):
        return ""
    parts = repository.lower().split("/")
    if _NOT_A_SERVER.search(parts[-1]):
        return None
    for pattern, engine in _ENGINE_BY_REPOSITORY.items():
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
    resource = _gpu(container)
    sign = _language_model_sign(container) if resource else None
    return Evidence(f"{container} asks for {resource} and sets {sign}") if sign else None


def _gpu(container: Container) -> str | None:
    resources = mapping(container.body.get("resources"))
    asked = [*mapping(resources.get("limits")), *mapping(resources.get("requests"))]
    return next((name for name in asked if _GPU.search(name)), None)


def _language_model_sign(container: Container) -> str | None:
    for word in container.words:
        if found := _LLM_FLAG.match(word):
            return "a .gguf model" if word.endswith(".gguf") else found[0].removesuffix("=")
    return next((name for name in container.environment if _LLM_VARIABLE.match(name)), None)
