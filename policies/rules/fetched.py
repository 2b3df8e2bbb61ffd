"""No pod fetches its weights as it starts. Imports the rule and the resources.

A Job with the stager's label may fetch, and so may whatever serves no language model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from policies.resources.arguments import may_have, option, resolved, variable, yes
from policies.resources.models import Reference, references, uris
from policies.resources.plain import dig, sequence, text
from policies.resources.pods import Container, words_of
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.workloads import STAGER_LABEL, STAGER_VALUE, servers
from policies.rule import Flaw, NotApplicable, Said, Severity, stack_rule

WHY = (
    "each start then waits for gigabytes from a store that may be slow, away or changed: replicas of one model can "
    "serve different bytes, nobody verifies them, and a restart that should take seconds takes minutes or fails"
)
LINK = "https://kserve.github.io/website/docs/model-serving/storage/overview"
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_LLAMA_OFFLINE = ("LLAMA_ARG_OFFLINE", "LLAMA_OFFLINE")
# Engines that take the name of a model on a hub for a path.
_READS_HUBS = frozenset({"vllm", "tgi", "sglang", ""})

# A program, the words of which one must stand behind it, and whether a remote source must be named.
_PROGRAMS: dict[str, tuple[frozenset[str], bool]] = {
    "aws": (frozenset({"cp", "sync"}), True),
    "gsutil": (frozenset({"cp", "rsync"}), True),
    "gcloud": (frozenset({"cp", "rsync"}), True),
    "s5cmd": (frozenset({"cp", "sync"}), True),
    "s4cmd": (frozenset({"get", "sync", "dsync"}), True),
    "s3cmd": (frozenset({"get", "sync"}), True),
    "rclone": (frozenset({"copy", "copyto", "sync"}), False),
    "mc": (frozenset({"cp", "mirror"}), False),
    "azcopy": (frozenset({"copy", "cp", "sync"}), False),
    "huggingface-cli": (frozenset({"download"}), False),
    "hf": (frozenset({"download"}), False),
    "hfdownloader": (frozenset(), False),
    "modelscope": (frozenset({"download"}), False),
    "ngc": (frozenset({"download-version", "download"}), False),
    "ollama": (frozenset({"pull"}), False),
    "oras": (frozenset({"pull"}), False),
    "git": (frozenset(), True),
    "wget": (frozenset(), True),
    "curl": (frozenset(), True),
    "aria2c": (frozenset(), True),
}
# Images whose entry point is such a program.
_IMAGES = {
    "aws-cli": "aws", "rclone": "rclone", "s5cmd": "s5cmd", "mc": "mc", "oras": "oras", "azcopy": "azcopy",
}  # fmt: skip
_STORAGE_INITIALIZER = re.compile(r"(^|/)storage-initializer([:@]|$)")
_LIBRARIES = re.compile(r"\b(snapshot_download|hf_hub_download|hf_transfer|download_from_hub)\b")
_STORE = re.compile(r"\b(s3|gs|gcs|az|abfss?|hdfs|oss|cos)://", re.IGNORECASE)
_WEB = re.compile(r"https?://\S*(huggingface\.co|hf\.co|modelscope\.c|\.(safetensors|gguf|bin|pt|pth|ckpt|onnx)\b)")
# A file of settings is no model: what ends so may come from anywhere.
_SMALL = re.compile(r"\.(json|ya?ml|jinja2?|txt|conf|cfg|ini|toml|pem|crt|cer|key|sh|py|md)$")
_BREAKS = frozenset({";", "&&", "||", "|", "&", "(", ")"})


@stack_rule("fetched-at-start", Severity.HIGH, WHY, LINK)
def fetched_at_start(subject: Subject, stack: Stack) -> Iterator[Said]:
    """One flaw for each container that fetches, and for each URI that KServe would fetch from."""
    if subject.obj.group and subject.served:
        for uri in uris(subject.obj):
            if uri.remote and not _kept_on_nodes(uri, stack):
                yield Flaw(f"{uri.place} {_leads(uri)}", _fix_of(uri))
    for pod in subject.models:
        told = {one.name: engine for one, engine in servers(pod, subject.settings)}
        for container in pod.containers:
            engine = told.get(container.name)
            yield from _of_container(container, _or_labelled(subject) if engine == "" else engine)


RULES = (fetched_at_start,)

_STAGE = (
    f"stage the weights once, with a Job labelled {STAGER_LABEL}: {STAGER_VALUE}, on a volume that every pod mounts"
)
_FIX_COMMAND = f"{_STAGE} read-only, and take the download away"
_FIX_OPTION = f"{_STAGE} read-only, name its path to the engine, and set HF_HUB_OFFLINE: 1"


def _fix_of(uri: Reference) -> str:
    name = uri.place.rpartition(".")[2]
    field = name if name.lower().endswith("uri") else "storageUri"
    return f"{_STAGE}, and write {field}: pvc://<claim>/<path>, or an image as oci://"


def _or_labelled(subject: Subject) -> str:
    """The engine that the workload's own label names, "" where that is open too."""
    return subject.served.engine if subject.served else ""


def _kept_on_nodes(uri: Reference, stack: Stack) -> bool:
    """Whether a LocalModelCache of this stack holds it on the nodes' own disks."""
    caches = (one.obj for one in stack.subjects if one.obj.kind in ("LocalModelCache", "LocalModelNamespaceCache"))
    return bool(uri.value) and any(
        uri.value.startswith(text(cache.spec.get("sourceModelUri")) or "\0") for cache in caches
    )


def _leads(reference: Reference) -> str:
    return f"leads to {reference.scheme}://" if reference.scheme else "leads to a store outside the pod"


def _of_container(container: Container, engine: str | None) -> Iterator[Said]:
    """The first way in which a container fetches. `engine` is None where it serves nothing itself."""
    if program := downloads(container):
        yield Flaw(f"{container} fetches with {program} as it starts", _FIX_COMMAND)
    elif engine is not None:
        yield from _of_server(container, engine)


def _of_server(container: Container, engine: str) -> Iterator[Said]:
    for reference in references(container, engine):
        value = resolved(container, reference.value)
        if value is None:
            reason = f"{reference.place} of {container} takes a variable that is not in the object: write the path"
            yield NotApplicable(reason)
            return
        if said := _fetched(container, engine, replace(reference, value=value)):
            yield said
            return


def _fetched(container: Container, engine: str, reference: Reference) -> Said | None:
    if reference.fetches and engine == "llama.cpp" and _llama_offline(container):
        return None
    if reference.remote:
        return Flaw(f"{reference.place} of {container} {_leads(reference)}", _FIX_OPTION)
    if not reference.hub_name or engine not in _READS_HUBS or _offline(container):
        return None
    if any(may_have(container, name) for name in _OFFLINE):
        return NotApplicable(f"{_OFFLINE[0]} of {container} may come from a ConfigMap: write it in the container")
    return Flaw(f"{reference.place} of {container} names a model of a hub, and {_OFFLINE[0]} is not set", _FIX_OPTION)


def _offline(container: Container) -> bool:
    """Whether Hugging Face's libraries are kept from the network, by a variable or in a script."""
    by_variable = any(yes(variable(container, name)) for name in _OFFLINE)
    return by_variable or any(
        yes(value) for name, _, value in (word.partition("=") for word in container.words) if name in _OFFLINE
    )


def _llama_offline(container: Container) -> bool:
    by_variable = any(yes(variable(container, name)) for name in _LLAMA_OFFLINE)
    return by_variable or option(container, {"--offline"}) is not None


def downloads(container: Container) -> str | None:
    """The program or library with which a container's command, or its postStart hook, fetches weights."""
    if _STORAGE_INITIALIZER.search(container.image or ""):
        return "KServe's storage-initializer"
    hook = sequence(dig(container.body, "lifecycle", "postStart", "exec", "command"))
    for part in (*container.parts, *hook):
        if found := _LIBRARIES.search(text(part) or ""):
            return found[1]
    entry = _IMAGES.get(_last_part(container.image or ""))
    own = [entry, *container.words] if entry and not container.body.get("command") else container.words
    return _downloading(own) or _downloading(words_of(hook))


def _last_part(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _downloading(words: list[str]) -> str | None:
    for breaks, group in groupby(words, key=_BREAKS.__contains__):
        command = [] if breaks else list(group)
        for index, word in enumerate(command):
            program = word.rpartition("/")[2]
            if program in _PROGRAMS and _fetches(command[index + 1 :], *_PROGRAMS[program]):
                return program
    return None


def _fetches(words: list[str], verbs: frozenset[str], by_source: bool) -> bool:
    """Whether a program's arguments fetch: one of the verbs, and a remote source that is no file of settings."""
    if verbs and not verbs & {*words}:
        return False
    if not by_source:
        return True
    if not verbs:
        return any(_WEB.search(word) for word in words)
    return any(
        _is_source(before, word, after, verbs)
        for before, word, after in zip(words, words[1:], [*words[2:], ""], strict=False)
    )


def _is_source(before: str, word: str, after: str, verbs: frozenset[str]) -> bool:
    """Whether a store's URI is what is copied: it follows the verb, or the target follows it."""
    named = _STORE.search(word) is not None and _SMALL.search(word) is None
    return named and (before in verbs or (after != "" and not after.startswith("-")))
