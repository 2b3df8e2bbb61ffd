"""The listing: what to stage, from where, and the digest that names it; imports only the standard library."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stager.errors import ListingError

RECEIPT = ".receipt.json"
SCHEMES = ("s3", "https", "http", "file", "hf")
LARGEST_LISTING = 64 * 2**20  # bytes; a ConfigMap holds 1 MiB
LONGEST_NAME = 255  # bytes in one path component, NAME_MAX of every Linux file system
HEX_64 = re.compile(r"[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")
SOURCE_KEYS = {"uri": str, "endpoint": str, "region": str, "anonymous": bool, "revision": str}


@dataclass(frozen=True)
class File:
    """One file of the set: `size` in bytes as declared (it may be rounded), `sha256` in hex, which decides."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """Where the bytes come from; credentials are never here, only in the environment."""

    uri: str
    endpoint: str | None = None
    region: str | None = None
    anonymous: bool = False
    revision: str | None = None

    @property
    def scheme(self) -> str:
        return urlsplit(self.uri).scheme


@dataclass(frozen=True)
class Listing:
    """A set of files sorted by path, under the sha256 of its canonical form."""

    digest: str
    source: Source
    files: tuple[File, ...]


def digest_of(files: Iterable[File]) -> str:
    """sha256 (hex) of the JSON array of [path, sha256] pairs sorted by path; see docs/architecture.md."""
    pairs = sorted([file.path, file.sha256] for file in files)
    return hashlib.sha256(json.dumps(pairs, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def read(path: Path) -> Listing:
    """The listing in a file. Raises ListingError with every problem found."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_LISTING + 1)
    except OSError as error:
        raise ListingError("the listing cannot be read", [f"{path}: {error.strerror}"]) from None
    if len(raw) > LARGEST_LISTING:
        raise ListingError("the listing is wrong", [f"{path} is larger than {LARGEST_LISTING >> 20} MiB"])
    return parse(raw, str(path))


def parse(raw: bytes, where: str = "listing") -> Listing:
    """The listing in JSON text. Raises ListingError with every problem found."""
    try:
        data = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ListingError("the listing is not valid JSON", [f"{where}: {error}"]) from None
    if not isinstance(data, dict):
        raise ListingError("the listing is wrong", [f"{where}: expected an object with digest, source and files"])
    problems = [f"{where}: unknown key {key!r}" for key in sorted(data.keys() - {"digest", "source", "files"})]
    source = _source(data.get("source"), problems)
    files = _files(data.get("files"), problems)
    if not problems:
        problems += _digest_problems(data.get("digest"), files)
    if problems:
        raise ListingError("the listing is wrong", problems)
    assert source is not None
    return Listing(data["digest"], source, tuple(sorted(files, key=lambda file: file.path)))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _source(data: Any, problems: list[str]) -> Source | None:
    if not isinstance(data, dict) or not isinstance(data.get("uri"), str):
        problems.append('source: expected an object with at least "uri"')
        return None
    given = {key: value for key, value in data.items() if value not in (None, "")}
    wrong = []
    for key, value in given.items():
        if key not in SOURCE_KEYS:
            wrong.append(f"source.{key}: unknown key; allowed: {', '.join(SOURCE_KEYS)}")
        elif type(value) is not SOURCE_KEYS[key]:
            wrong.append(f"source.{key}: expected {SOURCE_KEYS[key].__name__}, got {value!r}")
    problems += wrong
    if wrong:
        return None
    source = Source(**given)
    problems += _source_problems(source)
    return source


def _source_problems(source: Source) -> list[str]:
    try:
        parts = urlsplit(source.uri)
        parts.port  # noqa: B018 - reading it is what validates it
    except ValueError as error:
        return [f"source.uri: {error}"]
    if parts.scheme not in SCHEMES:
        return [f"source.uri: scheme {parts.scheme!r} is not one of {', '.join(SCHEMES)}"]
    problems = []
    if parts.query or parts.fragment or parts.username is not None:
        problems.append("source.uri: no user, query or fragment; credentials come from the environment only")
    if parts.scheme == "file":
        if parts.netloc or not parts.path.startswith("/"):
            problems.append("source.uri: a file source is file:///absolute/path/")
    elif not parts.hostname:
        problems.append(f"source.uri: {parts.scheme}:// needs a bucket, host or organisation")
    if parts.scheme == "hf":
        problems += _hub_problems(source, parts.path)
    if source.endpoint and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", source.endpoint):
        problems.append("source.endpoint: expected http://host[:port] or https://host[:port]")
    return problems


def _hub_problems(source: Source, path: str) -> list[str]:
    problems = []
    if len(path.strip("/").split("/")) != 1 or not path.strip("/"):
        problems.append("source.uri: a Hugging Face source is hf://organisation/repository")
    if not COMMIT.fullmatch(source.revision or ""):
        problems.append("source.revision: hf:// needs the full 40-digit commit; a branch or tag may move")
    return problems


def _files(data: Any, problems: list[str]) -> list[File]:
    if not isinstance(data, list) or not data:
        problems.append("files: expected a list of at least one file")
        return []
    files = [file for position, item in enumerate(data) if (file := _file(item, f"files[{position}]", problems))]
    problems += _clashes([file.path for file in files])
    return files


def _file(data: Any, where: str, problems: list[str]) -> File | None:
    if not isinstance(data, dict) or data.keys() != {"path", "size", "sha256"}:
        problems.append(f"{where}: expected an object with exactly path, size and sha256")
        return None
    path, size, sha256 = data["path"], data["size"], data["sha256"]
    before = len(problems)
    if not isinstance(path, str) or (reason := _unsafe(path)):
        problems.append(f"{where}.path: {path!r} {reason if isinstance(path, str) else 'is not a string'}")
    if type(size) is not int or not 0 <= size < 2**63:
        problems.append(f"{where}.size: expected whole bytes, got {size!r}")
    if not isinstance(sha256, str) or not HEX_64.fullmatch(sha256):
        problems.append(f"{where}.sha256: expected 64 lower-case hex digits, got {sha256!r}")
    return File(path, size, sha256) if len(problems) == before else None


def _unsafe(path: str) -> str:
    """Why a path may not be staged, or an empty string."""
    parts = path.split("/")
    if not path or path.startswith("/"):
        return "is not relative"
    if any(part in ("", ".", "..") for part in parts):
        return "has an empty, '.' or '..' component"
    if any(ord(character) < 32 or ord(character) == 127 or character == "\\" for character in path):
        return "holds a control character or a backslash"
    if any(0xD800 <= ord(character) < 0xE000 for character in path):
        return "is not valid Unicode"
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        return f"has a component longer than {LONGEST_NAME} bytes"
    if parts[0].casefold().startswith(RECEIPT):
        return "is the stager's own receipt"
    return ""


def _clashes(paths: list[str]) -> list[str]:
    """Paths that stand twice, and files that would have to be folders too."""
    seen: set[str] = set()
    problems = []
    for path in paths:
        if path in seen:
            problems.append(f"files: {path!r} stands twice")
        seen.add(path)
    folders = {path[:position] for path in seen for position, letter in enumerate(path) if letter == "/"}
    problems += [f"files: {path!r} is a file and the folder of another" for path in sorted(seen & folders)]
    return problems


def _digest_problems(digest: Any, files: list[File]) -> list[str]:
    computed = digest_of(files)
    if digest == computed:
        return []
    return [f"digest: the listing says {digest!r}, its files give {computed}"]
