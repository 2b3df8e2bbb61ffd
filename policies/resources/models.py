"""Where a workload takes its model from: by its command line, by variables, by KServe's URIs. Imports this package.

What they say may hold a secret: a rule compares it, and a message names the place alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from policies.resources.arguments import options
from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, Unknown, dig, mapping, mappings, text
from policies.resources.pods import KSERVE_CONTAINERS, KSERVE_GROUP, Container

MODEL_OPTIONS = frozenset(
    {
        *("--model", "-m", "--model-path", "--model-id", "--model-dir", "--model-repository", "--model-store"),
        *("--hf-model-path", "--draft-model", "--speculative-draft-model-path", "--lora"),
    }
)
MODEL_VARIABLES = frozenset(
    {
        *(
            "MODEL",
            "MODEL_ID",
            "MODEL_PATH",
            "MODEL_DIR",
            "MODEL_NAME",
            "LLAMA_ARG_MODEL",
            "HF_MODEL_DIR",
            "HF_MODEL_ID",
        ),
        *("STORAGE_URI", "NIM_MODEL_NAME", "NIM_MODEL_PATH"),
    }
)
# Of those the ones in which an engine takes a name on a hub; others are for scripts, which name them themselves.
HUB_VARIABLES = frozenset({"MODEL_ID", "HF_MODEL_ID"})
# llama.cpp's own ways to fetch.
_LLAMA_OPTIONS = frozenset(
    {
        *("-hf", "-hfr", "--hf-repo", "-hfd", "-hfrd", "--hf-repo-draft", "-hfv", "-hfrv", "--hf-repo-v"),
        *("-mu", "--model-url", "-mmu", "--mmproj-url", "-dr", "--docker-repo"),
    }
)
_LLAMA_VARIABLES = ("LLAMA_ARG_HF_REPO", "LLAMA_ARG_MODEL_URL", "LLAMA_ARG_DOCKER_REPO", "LLAMA_ARG_HFD_REPO")
# The word behind them is the model; `lmdeploy serve` has a kind of server between.
_SERVE = frozenset({"serve", "api_server", "trtllm-serve"})
_TENSORIZER = re.compile(r"tensorizer_uri\W+\w+://")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[\w.-]+|@[\w.-]+)?")
# Where these lead, the bytes are there before a pod starts: a claim, a layer of an image, a folder.
_AT_HAND = frozenset({"pvc", "oci", "file"})


@dataclass(frozen=True)
class Reference:
    """A place that names a model, as words for a message, and what it says."""

    place: str
    value: str = field(repr=False)
    fetches: bool = False  # whatever it says, it is fetched
    by_name: bool = True  # whether the engine would take a name on a hub there

    @property
    def scheme(self) -> str | None:
        """`s3` of `s3://bucket/model`; None for a path or a name."""
        found = _SCHEME.match(self.value.lower())
        return found[1] if found else None

    @property
    def remote(self) -> bool:
        """Whether it leads to a store outside the pod."""
        return self.fetches or (self.scheme is not None and self.scheme not in _AT_HAND)

    @property
    def hub_name(self) -> bool:
        """Whether it is an owner's model on a hub, as `owner/model`, and no path."""
        return self.by_name and _HUB_NAME.fullmatch(self.value) is not None


def references(container: Container, engine: str = "") -> Iterator[Reference]:
    """Every place of a server's command line and variables that names its model. Raises UnknownValueError."""
    for one in options(container):
        if one.value and one.name in MODEL_OPTIONS and not _is_module(container, one.name):
            yield Reference(f"argument {one.name}", one.value)
        elif one.name in _LLAMA_OPTIONS and engine in ("llama.cpp", ""):
            yield Reference(f"argument {one.name}", one.value or "", fetches=True)
    if any(_TENSORIZER.search(part) for part in container.parts):
        yield Reference("argument --model-loader-extra-config", "", fetches=True)
    yield from _by_position(container, engine)
    for entry in mappings(container.body.get("env")):
        name = text(entry.get("name")) or ""
        if name in MODEL_VARIABLES and (value := text(entry.get("value"))):
            yield Reference(f"variable {name}", value, by_name=name in HUB_VARIABLES and engine in ("tgi", ""))
        elif name in _LLAMA_VARIABLES and engine in ("llama.cpp", "") and text(entry.get("value")):
            yield Reference(f"variable {name}", "", fetches=True)


def _is_module(container: Container, name: str) -> bool:
    """Whether `-m` is Python's, and its value a module."""
    return name == "-m" and any(word.rpartition("/")[2].startswith("python") for word in container.words)


def _by_position(container: Container, engine: str) -> Iterator[Reference]:
    words = container.words
    for before, word in pairwise(words):
        if before.rpartition("/")[2] in _SERVE and word not in _SERVE and not word.startswith("-"):
            yield Reference("model argument", word)
    # The image of vLLM starts `vllm serve` by itself.
    if engine == "vllm" and not container.body.get("command") and words and not words[0].startswith("-"):
        yield Reference("model argument", words[0])


def uris(obj: KubernetesObject) -> Iterator[Reference]:
    """The URIs from which KServe takes an object's models. Raises UnknownValueError."""
    if obj.group != KSERVE_GROUP:
        return
    if obj.kind == "InferenceService":
        for path, component in _components(obj):
            for key in KSERVE_CONTAINERS:
                yield from _of_model(f"{path}.{key}", mapping(component.get(key)))
    if obj.kind == "LLMInferenceService":
        yield from _said("spec.model.uri", dig(obj.spec, "model", "uri"))
        for index, adapter in enumerate(mappings(dig(obj.spec, "model", "lora", "adapters"))):
            yield from _said(f"spec.model.lora.adapters[{index}].uri", adapter.get("uri"))


def _components(obj: KubernetesObject) -> Iterator[tuple[str, Object]]:
    for name in ("predictor", "transformer", "explainer"):
        yield f"spec.{name}", mapping(obj.spec.get(name))
    for index, canary in enumerate(mappings(obj.spec.get("canary"))):
        yield f"spec.canary[{index}].predictor", mapping(canary.get("predictor"))


def _of_model(path: str, model: Object) -> Iterator[Reference]:
    yield from _said(f"{path}.storageUri", model.get("storageUri"))
    for index, one in enumerate(mappings(model.get("storageUris"))):
        yield from _said(f"{path}.storageUris[{index}].uri", one.get("uri"))
    # A key of the Secret storage-config: always an object store.
    if not isinstance(model.get("storage"), Unknown) and mapping(model.get("storage")):
        yield Reference(f"{path}.storage", "", fetches=True)


def _said(place: str, value: Any) -> Iterator[Reference]:
    if said := text(value):
        yield Reference(place, said)
