"""Secrets come from Secrets: not from a variable, an argument or a ConfigMap. Imports the rule, resources and facts.

A message names the place and the kind of secret, never what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from policies.resources.plain import Unknown, mappings, sequence, text
from policies.resources.pods import Container
from policies.resources.subject import Subject
from policies.resources.workloads import is_stager
from policies.rule import Flaw, Severity, rule
from substrate.facts.secret_shapes import found

WHY = (
    "whoever may read the object reads the secret: in the cluster, in the state of the program that made it, in the "
    "logs of its runs, in whatever keeps its text; and changing it is a release"
)
LINK = "https://kubernetes.io/docs/concepts/configuration/secret/"
# A variable of such a name holds a secret. A file, a path or a name of one is none; nor are a model's own words.
_NAME = re.compile(r"(^|.*[_.-])(TOKEN|KEY|APIKEY|PASSWORD|PASSWD|SECRET|CREDENTIALS?)S?$", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"(.*_)?((MAX|MIN|PAD|EOS|BOS|SEP|CLS|UNK|STOP|NEW|MASK)_TOKENS?"
    r"|(PUBLIC|CACHE|PARTITION|SORT|PRIMARY|SHARD|HASH|ROUTING|LABEL)_KEYS?)$",
    re.IGNORECASE,
)
# Written where a program insists on a value and none is meant.
_NOTHING = frozenset({"", "empty", "none", "null", "dummy", "unused", "true", "false", "0", "1"})
_FLAG = re.compile(r"--?(api[-_]keys?|hf[-_]token|auth[-_]token|access[-_]token|token|password|secret([-_]key)?)")


@rule("plain-secret", Severity.CRITICAL, WHY, LINK)
def plain_secret(subject: Subject) -> Iterator[Flaw]:
    """By its name or its flag in the pod of a model server or a stager, by its shape anywhere."""
    if subject.obj.kind == "ConfigMap" and subject.obj.api_version == "v1":
        yield from _in_config_map(subject)
    for pod in subject.pods:
        for container in pod.containers:
            yield from _in_variables(subject, container)
            yield from _in_words(subject, container)


RULES = (plain_secret,)


def _ours(subject: Subject) -> bool:
    """Where a name is enough: a variable called TOKEN may be anything in a program that is not known."""
    return subject.served is not None or is_stager(subject.obj, subject.pods)


def _in_variables(subject: Subject, container: Container) -> Iterator[Flaw]:
    for entry in mappings(container.body.get("env")):
        value = entry.get("value")
        name = text(entry.get("name")) or ""
        shape = _shape(value)
        named = value is not None and _NAME.match(name) and not _NO_SECRET.match(name)
        if shape or (named and _ours(subject) and not _is_nothing(text(value) or "")):
            what = f"holds {shape}" if shape else "holds a secret by its name"
            fix = f"write it as env {name} with valueFrom.secretKeyRef, and make the Secret outside this program"
            yield Flaw(f"env {name} of {container} is written in plain text and {what}", fix)


def _shape(value: object) -> str | None:
    """What secret a text looks like. One that only the update will know is judged then, by this same rule."""
    if isinstance(value, Unknown) or not isinstance(value, str):
        return None
    return next((what for start, length, what in found(value) if _means_it(what, value[start : start + length])), None)


def _means_it(what: str, written: str) -> bool:
    """Not `http://$(USER):$(PASSWORD)@db`, which takes both from elsewhere, nor a user's name alone, nor words."""
    if "URL" in what:
        return ":" in written and "$" not in written and "{" not in written
    return what != "an API key" or any(character.isdigit() for character in written)


def _is_nothing(value: str) -> bool:
    """No value, or one of another variable, which has its own entry: `$(TOKEN)`, in a shell `$TOKEN`."""
    return value.strip("\"'").lower() in _NOTHING or value.lstrip("\"'").startswith("$")


def _in_words(subject: Subject, container: Container) -> Iterator[Flaw]:
    words = container.words
    flags = [*pairwise(words), *(_split(word) for word in words if "=" in word)]
    fix = (
        "leave the argument out and give the key by a variable with valueFrom.secretKeyRef (vLLM: VLLM_API_KEY) or "
        "by a mounted Secret (llama.cpp: --api-key-file)"
    )
    for flag, value in flags:
        if _FLAG.fullmatch(flag) and not _is_nothing(value) and not value.startswith("-") and _ours(subject):
            yield Flaw(f"{container} is given a secret as its argument {flag}", fix)
            return
    whole = [*sequence(container.body.get("command")), *sequence(container.body.get("args"))]
    if shape := next((shape for part in whole if (shape := _shape(part))), None):
        yield Flaw(f"an argument of {container} holds {shape}", fix)


def _split(word: str) -> tuple[str, str]:
    flag, _, value = word.partition("=")
    return flag, value


def _in_config_map(subject: Subject) -> Iterator[Flaw]:
    data = subject.obj.body.get("data")
    for key, value in data.items() if isinstance(data, dict) else ():
        if shape := _shape(value):
            yield Flaw(f"data[{key}] holds {shape}", "keep it in a Secret, and mount or name that where it is read")
