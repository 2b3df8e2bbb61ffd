"""What one value may be: each check takes text and returns it, or says what is wrong and what to write instead.

Imports facts, values and the catalogue's codes, choices, secrets and showing. Nothing here knows of other blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Protocol, Self, TypeVar

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices
from substrate.catalog.secrets import hidden
from substrate.catalog.showing import code_points, shown, to_ascii
from substrate.facts.accelerators import ACCELERATORS
from substrate.facts.ended import Ended
from substrate.values import Bytes, Cores, Digest, Duration

# The longest suffix a name gets is "stage-" + 12 hex digits + 2 dashes: 63 - 20 leaves 43.
LABEL_LENGTH = 40
LABEL_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)?([KMGTP]i?|k|B)$"
NODE_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
TEXT_LENGTH = 253
# Longer than any size, duration or digest, shorter than what makes arithmetic slow.
NUMBER_LENGTH = 80
HOST = r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]"


class FieldError(ValueError):
    """One value that cannot be. `expects` names what should stand there, for a value of another type altogether."""

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        help: str | None = None,
        choices: Choices | None = None,
        notes: tuple[str, ...] = (),
        expects: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.choices = choices
        self.notes = notes
        self.expects = expects


class Parseable(Protocol):
    """A value with a unit that is written as text."""

    @classmethod
    def parse(cls, text: str) -> Self: ...


Value = TypeVar("Value", bound=Parseable)
Choice = TypeVar("Choice", bound=StrEnum)


def odd(text: str) -> tuple[str, ...]:
    note = code_points(text)
    return (note,) if note else ()


def parsed(kind: type[Value], code: Code, expects: str, advise: Callable[[object], str]) -> Callable[[object], Value]:
    """A reader of `kind`: text becomes the value, a value stays itself, anything else is refused."""

    def read(raw: object) -> Value:
        if isinstance(raw, kind):
            return raw
        if not isinstance(raw, str):
            raise FieldError(code, f"this is no {expects.removeprefix('a ')}", help=advise(raw), expects=expects)
        with suppress(ValueError):
            if len(raw) <= NUMBER_LENGTH:
                return kind.parse(raw)
        message = f"`{shown(raw)}` is not {expects}"
        raise FieldError(code, message, help=advise(raw), notes=odd(raw), expects=expects)

    return read


def size_help(raw: object) -> str:
    """The accepted forms, or both readings of a unit that is nearly right."""
    text = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    found = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([KMGTPkmgtp]?)[iI]?[bB]?\s*", text)
    if not found:
        return "write a number and a unit, as 4.7Gi, 500Mi, 16G or 98331360B"
    number, unit = found[1], found[2].upper()
    if not unit:
        whole = f"{number}B for bytes, " if "." not in number else ""
        return f"write the unit: {whole}{number}Mi or {number}Gi"
    decimal, binary = Bytes.parse(f"{number}{unit}"), Bytes.parse(f"{number}{unit}i")
    return f"write {number}{unit}i ({int(binary):,} bytes) or {number}{unit} ({int(decimal):,} bytes)"


def digest_help(raw: object) -> str:
    if isinstance(raw, str) and re.fullmatch(r"(sha256:)?[0-9A-Fa-f]{64}", raw):
        return "write it in lower case, without `sha256:`"
    if isinstance(raw, str):
        return f"write the 64 digits that `sha256sum FILE` prints, this has {len(raw)} characters"
    return "write the 64 digits that `sha256sum FILE` prints, in quotes"


def duration_help(raw: object) -> str:
    return "write a number and a unit, as 30s, 5m or 1h30m"


size = parsed(Bytes, Code.BAD_SIZE, "a size", size_help)
sha256 = parsed(Digest, Code.BAD_DIGEST, "a sha256", digest_help)


def positive_size(value: Bytes) -> Bytes:
    if value <= 0:
        raise FieldError(Code.OUT_OF_RANGE, "a size of nothing holds nothing", help="write how much there is, as 16Gi")
    return value


def cores(raw: object) -> Cores:
    """Whole cores as a number, or thousandths as text."""
    if isinstance(raw, Cores):
        return raw
    with suppress(ValueError):
        if isinstance(raw, str | int) and not isinstance(raw, bool) and len(str(raw)) <= NUMBER_LENGTH:
            return Cores.parse(str(raw))
    message = f"`{shown(raw)}` is not a number of cores" if isinstance(raw, str) else "this is no number of cores"
    expects, advice = "a number of cores", "write whole cores as 2, or thousandths of one as 250m"
    raise FieldError(
        Code.BAD_CORES, message, help=advice, notes=odd(raw) if isinstance(raw, str) else (), expects=expects
    )


def positive_span(value: Duration) -> Duration:
    if value <= 0:
        raise FieldError(Code.OUT_OF_RANGE, "no time at all is too short", help="write how long, as 30s")
    return value


def choice(kind: type[Choice], ended: Mapping[str, Ended] | None = None) -> Callable[[object], Choice]:
    """A reader of one of an enumeration's words; `ended` are words that were some once, in lower case."""

    def read(raw: object) -> Choice:
        if isinstance(raw, kind):
            return raw
        words = tuple(str(word) for word in kind)
        if not isinstance(raw, str):
            raise FieldError(Code.NOT_A_CHOICE, "not a word", choices=Choices("", words), expects="one of a few words")
        if raw not in words and (gone := (ended or {}).get(raw.lower())):
            raise FieldError(Code.ENDED, f"`{shown(raw)}` has ended", notes=(gone.why,), help=gone.instead)
        if raw not in words:
            message = f"`{shown(raw)}` is none of the words that may stand here"
            raise FieldError(Code.NOT_A_CHOICE, message, choices=Choices(to_ascii(raw), words), notes=odd(raw))
        return kind(raw)

    return read


def dns_label(text: str) -> str:
    """A name that Kubernetes objects are named after, with room for every suffix."""
    if len(text) > LABEL_LENGTH:
        message = (
            f"the name `{shown(text)}` has {len(text)} characters, at most {LABEL_LENGTH} are left by its suffixes"
        )
        why = "objects are called stage-<name>-<12 digits> and the like, and a label ends at 63 characters"
        raise FieldError(Code.NAME_TOO_LONG, message, notes=(why,), help="shorten it")
    if not re.fullmatch(LABEL_PATTERN, text) or text.endswith("\n"):
        message = f"`{shown(text)}` is not a DNS label"
        rule = "write lower-case letters, digits and dashes, a letter or digit first and last"
        slug = _slug(text)
        raise FieldError(
            Code.BAD_NAME, message, help=f"{rule}, as `{slug}`" if slug else rule, notes=odd(text), expects="a name"
        )
    return text


def _slug(text: str) -> str:
    """The nearest DNS label: `Qwen_7B` becomes `qwen-7b`."""
    return re.sub("[^a-z0-9]+", "-", to_ascii(hidden(text[:200])).lower()).strip("-")[:LABEL_LENGTH].rstrip("-")


def node_name(text: str) -> str:
    if len(text) > TEXT_LENGTH or not re.fullmatch(NODE_PATTERN, text) or text.endswith("\n"):
        message = f"`{shown(text)}` is not the name of a node"
        raise FieldError(Code.BAD_NAME, message, help="write it as `kubectl get nodes` prints it", notes=odd(text))
    return text


def text_matching(pattern: str, what: str, example: str) -> Callable[[str], str]:
    """A check of text against a pattern, with what it is and an example for the message."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if len(text) > TEXT_LENGTH or not compiled.fullmatch(text):
            message = f"`{shown(text)}` is not {what}"
            raise FieldError(Code.BAD_TEXT, message, help=f"write it as {example}", notes=odd(text))
        return text

    return check


context_name = text_matching(r"[!-~][ -~]*", "the name of a kubeconfig context", "`kubectl config get-contexts` does")
authenticator = text_matching(
    r"[!-~]([ -~]*[!-~])?", "who asks clients for a key", "Envoy Gateway, by JWTs of login.example; or nobody"
)
served_name = text_matching(
    r"[A-Za-z0-9][A-Za-z0-9._:/-]*", "a name that clients can ask for", "letters, digits and . _ : / -, as qwen2.5-7b"
)
host = text_matching(HOST, "a host name or address", "store-01 or 192.168.1.20")
region = text_matching(r"[a-z0-9-]+", "a region", "us-east-1")
revision = text_matching(r"[0-9a-f]{40}", "a commit", "its 40 hex digits: a branch or tag would move under the weights")
parameters = text_matching(r"[0-9]+(\.[0-9]+)?[MBT]", "a number of parameters", "7.6B, 135M or 1.2T")
quantization = text_matching(r"[a-z0-9][a-z0-9_-]*", "a kind of quantisation", "q4_k_m, awq, fp8, or none for 16 bit")
taint_key = text_matching(
    r"([a-z0-9][a-z0-9.-]*/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", "a taint's key", "nvidia.com/gpu"
)
taint_value = text_matching(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?", "a taint's value", "present")
rule_name = text_matching(r"[a-z]([a-z-]{0,40}[a-z])?", "the name of a rule", "policies/README.md does")
exemption = text_matching(
    r"until [0-9]{4}-[0-9]{2}-[0-9]{2}[:,]? +[!-~]([ -~]*[!-~])?",  # what begins with a day YAML may take for one
    "the end and the reason of an exemption",
    "until 2027-03-31 why, and who knows more",
)
tensor_name = text_matching(r"[!-~]([ -~]*[!-~])?", "the name of a tensor", "the model's graph does, in plain ASCII")
parameter_name = text_matching(r"[A-Za-z0-9_.-]+", "the name of a parameter", "the backend's documentation does")


def accelerator(text: str) -> str:
    if text not in ACCELERATORS:
        message = f"the accelerator `{shown(text)}` is not known"
        raise FieldError(
            Code.UNKNOWN_ACCELERATOR, message, choices=Choices(to_ascii(text), tuple(ACCELERATORS)), notes=odd(text)
        )
    return text
