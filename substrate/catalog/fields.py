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

# Images that no engine is: what stages weights, the front door, what logs payloads.
STAGER, ENVOY, PAYLOAD_LOGGER = "stager", "envoy", "payload-logger"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
ARCHIVES = (".tar", ".gz", ".tgz", ".zip", ".bz2", ".xz", ".7z")
OTHER_CODE = (".py", ".so", ".sh", ".h5", ".keras", ".npz", ".npy")
SCHEMES = ("s3", "https", "file", "hf")

_IMAGE = re.compile(
    r"(?P<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-fA-F]*))?"
)
# What needs no escape in a URL, no quotes in a shell, and looks like nothing else.
_URL_TEXT = re.compile(r"[A-Za-z0-9._~/:=+,@\[\]-]*")
_HOST = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


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


def _odd(text: str) -> tuple[str, ...]:
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
        raise FieldError(code, message, help=advise(raw), notes=_odd(raw), expects=expects)

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
        Code.BAD_CORES, message, help=advice, notes=_odd(raw) if isinstance(raw, str) else (), expects=expects
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
            raise FieldError(Code.NOT_A_CHOICE, message, choices=Choices(to_ascii(raw), words), notes=_odd(raw))
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
            Code.BAD_NAME, message, help=f"{rule}, as `{slug}`" if slug else rule, notes=_odd(text), expects="a name"
        )
    return text


def _slug(text: str) -> str:
    """The nearest DNS label: `Qwen_7B` becomes `qwen-7b`."""
    return re.sub("[^a-z0-9]+", "-", to_ascii(hidden(text[:200])).lower()).strip("-")[:LABEL_LENGTH].rstrip("-")


def node_name(text: str) -> str:
    if len(text) > TEXT_LENGTH or not re.fullmatch(NODE_PATTERN, text) or text.endswith("\n"):
        message = f"`{shown(text)}` is not the name of a node"
        raise FieldError(Code.BAD_NAME, message, help="write it as `kubectl get nodes` prints it", notes=_odd(text))
    return text


def text_matching(pattern: str, what: str, example: str) -> Callable[[str], str]:
    """A check of text against a pattern, with what it is and an example for the message."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if len(text) > TEXT_LENGTH or not compiled.fullmatch(text):
            message = f"`{shown(text)}` is not {what}"
            raise FieldError(Code.BAD_TEXT, message, help=f"write it as {example}", notes=_odd(text))
        return text

    return check


context_name = text_matching(r"[!-~][ -~]*", "the name of a kubeconfig context", "`kubectl config get-contexts` does")
authenticator = text_matching(
    r"[!-~]([ -~]*[!-~])?", "who asks clients for a key", "Envoy Gateway, by JWTs of login.example; or nobody"
)
served_name = text_matching(
    r"[A-Za-z0-9][A-Za-z0-9._:/-]*", "a name that clients can ask for", "letters, digits and . _ : / -, as qwen2.5-7b"
)
host = text_matching(_HOST.pattern, "a host name or address", "store-01 or 192.168.1.20")
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


def absolute_path(text: str) -> str:
    """A folder on a server: absolute, without a way up."""
    if not text.startswith("/") or not _URL_TEXT.fullmatch(text) or _leaves(text):
        message = f"`{shown(text)}` is not the path of a folder"
        raise FieldError(
            Code.BAD_TEXT, message, help="write it from `/`, without `..`, as /export/models", notes=_odd(text)
        )
    return text


def _leaves(path: str) -> bool:
    return any(part in (".", "..") for part in path.split("/"))


def accelerator(text: str) -> str:
    if text not in ACCELERATORS:
        message = f"the accelerator `{shown(text)}` is not known"
        raise FieldError(
            Code.UNKNOWN_ACCELERATOR, message, choices=Choices(to_ascii(text), tuple(ACCELERATORS)), notes=_odd(text)
        )
    return text


def http_url(text: str) -> str:
    """A server's address: scheme, host, port; no user, path, query or fragment."""
    found = re.fullmatch(r"https?://(?P<host>[^/:@?#\s]+|\[[^\]]*\])(?::(?P<port>[0-9]{1,6}))?", text)
    if "@" in text:
        raise FieldError(Code.INLINE_SECRET, "a URL may hold no user name or password", help="name a Secret: secretRef")
    if not found or not _HOST.fullmatch(found["host"]):
        message = f"`{shown(text)}` is not the address of a server"
        raise FieldError(
            Code.BAD_URL, message, help="write it as http://host:port, with no path after it", notes=_odd(text)
        )
    if found["port"] and not 1 <= int(found["port"]) <= 65535:
        raise FieldError(
            Code.BAD_URL, f"the port {found['port']} is not between 1 and 65535", help="write a port that exists"
        )
    return text


def source(text: str) -> str:
    """Where weights come from: `s3://bucket/prefix/`, `https://host/path/`, `file:///path/`, `hf://org/repo`."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in SCHEMES:
        message = f"`{shown(text)}` is not a source that weights can be staged from"
        forms = "s3://bucket/prefix/, https://host/path/, file:///path/ or hf://org/repo"
        note = ("plain http proves nothing about the server",) if scheme == "http" else ()
        raise FieldError(Code.BAD_URL, message, help=f"write one of {forms}", notes=note + _odd(text))
    if "@" in rest.partition("/")[0]:
        raise FieldError(
            Code.INLINE_SECRET, "a source may hold no user name or password", help="name a Secret: secretRef"
        )
    if not _URL_TEXT.fullmatch(rest) or _leaves(rest) or "//" in rest:
        _refuse_url_text(text, rest)
    _FORMS[scheme](text, rest)
    return text


def _refuse_url_text(text: str, rest: str) -> None:
    wrong = next((letter for letter in rest if not _URL_TEXT.fullmatch(letter)), None)
    what = f"it holds `{shown(wrong)}`" if wrong else "it holds `..`, `.` or `//`"
    why = "a query or an escape can hide another path, or a secret" if wrong in ("?", "#", "%") else None
    message = f"`{shown(text)}` is not in its plain form: {what}"
    notes = (*((why,) if why else ()), *_odd(text))
    raise FieldError(Code.BAD_URL, message, help="write the folder's own path, letter for letter", notes=notes)


def _s3(text: str, rest: str) -> None:
    bucket, _, prefix = rest.partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise FieldError(Code.BAD_URL, f"`{shown(bucket)}` is not a bucket", help="write s3://bucket/prefix/")
    if not prefix:
        raise FieldError(Code.BAD_URL, f"`{shown(text)}` names a whole bucket", help=f"write s3://{bucket}/folder/")
    _folder(text)


def _https(text: str, rest: str) -> None:
    name, _, path = rest.partition("/")
    if not re.fullmatch(rf"(?:{_HOST.pattern})(?::[0-9]{{1,5}})?", name):
        raise FieldError(Code.BAD_URL, f"`{shown(name)}` is not a host", help="write https://host/path/")
    if not path:
        raise FieldError(Code.BAD_URL, f"`{shown(text)}` names no folder", help=f"write https://{shown(name)}/path/")
    _folder(text)


def _file(text: str, rest: str) -> None:
    if not rest.startswith("/") or rest == "/":
        message = f"`{shown(text)}` names no folder on the volume"
        raise FieldError(
            Code.BAD_URL, message, help="write three slashes and the path on the store's volume: file:///path/"
        )
    _folder(text)


def _hf(text: str, rest: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*", rest):
        message = f"`{shown(text)}` is not a repository on Hugging Face"
        raise FieldError(Code.BAD_URL, message, help="write hf://org/repo, and its commit as `revision`")


def _folder(text: str) -> None:
    if not text.endswith("/"):
        message = f"`{shown(text)}` is a folder, and a folder ends with `/`"
        raise FieldError(Code.BAD_URL, message, help=f"write {shown(text)}/")


_FORMS: dict[str, Callable[[str, str], None]] = {"s3": _s3, "https": _https, "file": _file, "hf": _hf}


def file_path(text: str) -> str:
    """A file below its set's folder."""
    parts = text.split("/")
    if not re.fullmatch(r"[!-~][ -~]*", text) or text.endswith(" ") or "\\" in text or len(text) > TEXT_LENGTH:
        message = f"`{shown(text)}` cannot name a file of the set"
        advice = "write the path below the folder in plain ASCII, as model.gguf or tokenizer/vocab.json"
        raise FieldError(Code.BAD_FILE_PATH, message, help=advice, notes=_odd(text))
    if text.startswith("/") or any(part in ("", ".", "..") for part in parts):
        message = f"`{shown(text)}` leaves the folder of the set, or is not in its plain form"
        raise FieldError(Code.BAD_FILE_PATH, message, help="write the path below the folder, as model.gguf")
    if parts[0] in (".staging", ".receipt.json"):
        raise FieldError(Code.BAD_FILE_PATH, f"`{parts[0]}` is where staging keeps its own record", help="leave it out")
    return text


def suffix_of(path: str) -> str:
    """`.gguf` of `a/model.GGUF`; empty without one."""
    return "." + path.rpartition(".")[2].lower() if "." in path else ""


def code_in(path: str) -> str | None:
    """Why a file of this kind can run code where it is loaded; None for one that holds data."""
    suffix = suffix_of(path)
    if suffix in PICKLES:
        return "a pickle runs code when it is loaded, with all rights of the engine"
    if suffix in ARCHIVES:
        return "what lies in an archive has no sha256 of its own, and engines do not unpack"
    return "it holds code, or a format that can" if suffix in OTHER_CODE else None


def image(text: str) -> str:
    """An image that says which one it is: with a tag or a digest, and never `latest`."""
    found = _IMAGE.fullmatch(text)
    if not found:
        raise FieldError(
            Code.BAD_IMAGE,
            f"`{shown(text)}` is not an image",
            help="write name:tag or name@sha256:<64 digits>",
            notes=_odd(text),
        )
    if found["digest"] is not None and not re.fullmatch("[0-9a-f]{64}", found["digest"]):
        message = (
            f"the digest has {len(found['digest'])} digits" if len(found["digest"]) != 64 else "the digest has capitals"
        )
        raise FieldError(Code.BAD_IMAGE, message, help="write the 64 lower-case digits that the registry shows")
    if found["tag"] == "latest":
        why = "`latest` is another image tomorrow, and a pod that restarts gets it"
        raise FieldError(
            Code.BAD_IMAGE, f"`{shown(text)}` is tagged `latest`", notes=(why,), help="write a version's tag"
        )
    if not found["tag"] and found["digest"] is None:
        why = "an image without a tag is `latest`"
        message = f"`{shown(text)}` has neither tag nor digest"
        raise FieldError(Code.BAD_IMAGE, message, notes=(why,), help=f"write {shown(text)}:<version>")
    return text


def image_name(words: tuple[str, ...]) -> Callable[[str], str]:
    """What an image can be set for: an engine, or a program of ours."""

    def check(text: str) -> str:
        if text not in words:
            message = f"`{shown(text)}` is no engine whose image could be set"
            raise FieldError(Code.UNKNOWN_KEY, message, choices=Choices(to_ascii(text), words), notes=_odd(text))
        return text

    return check
