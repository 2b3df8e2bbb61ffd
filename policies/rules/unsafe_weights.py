"""Loading a model runs no code of whoever made it, unless somebody said so. Imports the rule and the resources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.cel import WITH_PODS, Validation, each_container, quoted
from policies.resources.arguments import elsewhere, option, options, spelled, variable, yes
from policies.resources.models import Reference, references, uris
from policies.resources.plain import mappings, text
from policies.resources.pods import Container, Pod, labelled
from policies.resources.subject import Subject
from policies.resources.workloads import DOMAIN, servers
from policies.rule import Flaw, NotApplicable, Said, Severity, rule

PERMISSION = f"{DOMAIN}/allow-remote-code"
WHY_PICKLE = (
    "a pickle is a program that runs as it is read: whoever made the file, or could change it on its way, runs code in "
    "the server, and weights_only was no protection before torch 2.6 (CVE-2025-32434)"
)
LINK_PICKLE = "https://huggingface.co/docs/hub/security-pickle"
WHY_CODE = (
    "the engine then imports Python files out of the model's repository: whoever may change that repository runs code "
    "beside every request and key, and vLLM's CVE-2026-114053 let a request choose the revision"
)
LINK_CODE = "https://docs.vllm.ai/en/stable/usage/security/"
_PICKLED = re.compile(r"\.(bin|pt|pth|ckpt|pkl|pickle|joblib)$", re.IGNORECASE)
# Values of --load-format that read pickles, or arrays that may hold one.
_FORMATS = frozenset({"pt", "npcache"})
_FLAG = "--trust-remote-code"
# As short as argparse lets it be without another option of vLLM's being meant.
_SHORTEST = "--trust-rem"
_VARIABLE = re.compile(r"(\w+_)?TRUST_REMOTE_CODE")
# In a script, where a shell may hold it in a variable first.
_IN_SCRIPT = re.compile(r"(?<![\w-])--(?:\w[\w-]*\.)*trust[-_]remote[-_]code\b(?:(?:=|\s+)[\"']?(\w+))?")
_IN_TEXT = re.compile(r"trust[-_]remote[-_]code[\"']?\s*[:=]\s*[\"']?(true|1|yes|on)\b", re.IGNORECASE)


@rule("pickle-weights", Severity.CRITICAL, WHY_PICKLE, LINK_PICKLE)
def pickle_weights(subject: Subject) -> Iterator[Flaw]:
    """A path, URI or format that names pickles. What lies in a folder that is named is not seen."""
    if subject.obj.group and subject.served:
        yield from (_pickled(uri.place) for uri in uris(subject.obj) if _PICKLED.search(uri.value))
    for pod in subject.models:
        for container, engine in servers(pod, subject.settings):
            told = dict.fromkeys(one.place for one in references(container, engine) if _is_pickle(one, engine))
            yield from (_pickled(f"{place} of {container}") for place in told)
            chosen = option(container, {"--load-format"})
            if chosen and chosen.value in _FORMATS:
                fix = "leave --load-format out, and stage .safetensors files"
                yield Flaw(f"argument --load-format of {container} chooses files of pickles", fix)


_FIX_CODE = (
    f'take it away, or read the code, pin it by the weights\' digest and annotate {PERMISSION}: "who read it, and why"'
)
# A line a word: what a script says is the pack's to read.
_LINES = r"(container.?command.orValue([]) + container.?args.orValue([])).join('\n')"
_ENTRIES = "container.?env.orValue([])"
_ON = quoted(r"(^|\n)--trust[-_]remote[-_]code(=|\n|$)")
_OFF = quoted(r"""(^|\n)--trust[-_]remote[-_]code(=|\n)["']*(?i:false|0|no|off)["']*(\n|$)""")
_NAME = quoted(f"^({_VARIABLE.pattern})$")
_YES = quoted(r"""^\s*["']*(?i:1|true|yes|on|y|t)["']*\s*$""")
_REASON = rf"said[?{quoted(PERMISSION)}].orValue('').matches('\\S')"
_UNTRUSTED = each_container(
    f"!({_LINES}.matches({_ON}) && !{_LINES}.matches({_OFF}))"
    f" && !{_ENTRIES}.exists(entry, entry.name.matches({_NAME}) && {_ENTRIES}.all(other,"
    f" other.name != entry.name || other.?value.orValue('').matches({_YES})))"
)
_CODE_CEL = Validation(
    WITH_PODS,
    f"[variables.annotations, variables.podAnnotations].exists(said, {_REASON}) || ({_UNTRUSTED})",
    "an argument or a variable of a container lets it run the code of the model's repository",
    _FIX_CODE,
)


@rule("remote-code", Severity.CRITICAL, WHY_CODE, LINK_CODE, cel=(_CODE_CEL,))
def remote_code(subject: Subject) -> Iterator[Said]:
    """Permission to run a repository's code, in whatever spelling, that nobody gave by name."""
    for pod in subject.models:
        for container in pod.containers:
            said = _trusted(container)
            if said and not _permitted(subject, pod):
                yield Flaw(f"{said} of {container} is set", _FIX_CODE)
            elif not said and (name := _open_variable(container)):
                yield NotApplicable(f"variable {name} of {container} comes from elsewhere: write its value")


RULES = (pickle_weights, remote_code)


def _is_pickle(reference: Reference, engine: str) -> bool:
    """llama.cpp reads a format of its own whatever a file is called."""
    return engine != "llama.cpp" and _PICKLED.search(reference.value) is not None


def _pickled(place: str) -> Flaw:
    fix = "convert the weights to .safetensors (or .gguf, .onnx), which hold numbers only, and stage those"
    return Flaw(f"{place} names a file of pickles", fix)


def _permitted(subject: Subject, pod: Pod) -> bool:
    """A permission without a reason is none."""
    return any((text(holder.annotations.get(PERMISSION)) or "").strip() for holder in labelled(subject.obj, [pod]))


def _trusted(container: Container) -> str | None:
    """The place that allows it; None where nothing does. Raises UnknownValueError."""
    for one in options(container):
        name = "--" + spelled(one.name).rpartition(".")[2].lstrip("-")
        if name.startswith(_SHORTEST) and _FLAG.startswith(name) and not _switched_off(one.value):
            return f"argument {_FLAG}"
    for found in (match for part in container.parts for match in _IN_SCRIPT.finditer(part)):
        if " " in found.string and not _switched_off(found[1]):
            return f"argument {_FLAG}"
    for name in _variables(container):
        if yes(variable(container, name)):
            return f"variable {name}"
    return "trust_remote_code in an argument" if any(map(_IN_TEXT.search, container.parts)) else None


def _switched_off(value: str | None) -> bool:
    return value is not None and value.strip("\"'").lower() in ("false", "0", "no", "off")


def _variables(container: Container) -> list[str]:
    names = (text(entry.get("name")) or "" for entry in mappings(container.body.get("env")))
    return [name for name in names if _VARIABLE.fullmatch(name)]


def _open_variable(container: Container) -> str | None:
    return next((name for name in _variables(container) if elsewhere(container, name)), None)
