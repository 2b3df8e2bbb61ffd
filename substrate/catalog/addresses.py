"""Where weights come from and what a set's files are called: each check returns the text, or says what is wrong.

Imports the catalogue's fields, codes and showing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from substrate.catalog.codes import Code
from substrate.catalog.fields import HOST, TEXT_LENGTH, FieldError, odd
from substrate.catalog.showing import shown

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
ARCHIVES = (".tar", ".gz", ".tgz", ".zip", ".bz2", ".xz", ".7z")
OTHER_CODE = (".py", ".so", ".sh", ".h5", ".keras", ".npz", ".npy")
SCHEMES = ("s3", "https", "file", "hf")

# What needs no escape in a URL, no quotes in a shell, and looks like nothing else.
_URL_TEXT = re.compile(r"[A-Za-z0-9._~/:=+,@\[\]-]*")
_HOST = re.compile(HOST)


def absolute_path(text: str) -> str:
    """A folder on a server: absolute, without a way up."""
    if not text.startswith("/") or not _URL_TEXT.fullmatch(text) or _leaves(text):
        message = f"`{shown(text)}` is not the path of a folder"
        raise FieldError(
            Code.BAD_TEXT, message, help="write it from `/`, without `..`, as /export/models", notes=odd(text)
        )
    return text


def _leaves(path: str) -> bool:
    return any(part in (".", "..") for part in path.split("/"))


def http_url(text: str) -> str:
    """A server's address: scheme, host, port; no user, path, query or fragment."""
    found = re.fullmatch(r"https?://(?P<host>[^/:@?#\s]+|\[[^\]]*\])(?::(?P<port>[0-9]{1,6}))?", text)
    if "@" in text:
        raise FieldError(Code.INLINE_SECRET, "a URL may hold no user name or password", help="name a Secret: secretRef")
    if not found or not _HOST.fullmatch(found["host"]):
        message = f"`{shown(text)}` is not the address of a server"
        raise FieldError(
            Code.BAD_URL, message, help="write it as http://host:port, with no path after it", notes=odd(text)
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
        raise FieldError(Code.BAD_URL, message, help=f"write one of {forms}", notes=note + odd(text))
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
    notes = (*((why,) if why else ()), *odd(text))
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
    if not re.fullmatch(rf"(?:{HOST})(?::[0-9]{{1,5}})?", name):
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
        raise FieldError(Code.BAD_FILE_PATH, message, help=advice, notes=odd(text))
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
