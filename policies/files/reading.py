"""From paths to Kubernetes objects, each with its place, and what could not be read. Imports the catalogue's source.

A folder is read with all its YAML and JSON. A document that is no Kubernetes object (values of a chart, a
kustomization) is counted and left alone; a file that holds no document at all was hardly meant.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from policies.files.nodes import Refused, documents
from policies.files.values import Reader
from policies.resources.objects import NOT_READ, KubernetesObject, objects_of
from substrate.catalog.source import Source
from substrate.catalog.syntax import explained

STANDARD_INPUT = "-"
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
# A large chart with its definitions takes some 2 MiB; a wrong file (weights, say) must not fill the memory.
LARGEST_BYTES = 64 * 1024**2
_TEMPLATE = re.compile(r"^\s*(?:- )?\{\{|:\s+\{\{")
_NAMES_NO_OBJECT = frozenset({"kustomize.config.k8s.io"})


@dataclass(frozen=True)
class Located:
    """An object, the file as the user named it, and the node that it was read from."""

    obj: KubernetesObject
    file: str
    node: MappingNode = field(repr=False)


@dataclass(frozen=True)
class Unreadable:
    """What could not be judged. Line and column from 1; 0 is the file as a whole."""

    file: str
    line: int
    column: int
    what: str
    fix: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass
class Input:
    """Everything that was given."""

    objects: list[Located] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    files: int = 0
    others: int = 0  # documents that are no Kubernetes objects
    secrets: int = 0  # never looked at


def read(names: Sequence[str]) -> Input:
    """Read files, folders and standard input (`-`), each once, in the order given."""
    found = Input()
    for file, path in dict.fromkeys(pair for name in names for pair in _files(name, found)):
        found.files += 1
        text = _text(file, path, found)
        if text is not None:
            _read_text(file, text, found)
    if not (found.objects or found.secrets or found.unreadable):
        what, fix = (
            "there is no Kubernetes object in what was given",
            "name rendered manifests: helm template, kustomize",
        )
        found.unreadable.append(Unreadable(_shown(names[0]), 0, 0, what, fix))
    return found


def _shown(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else name


def _files(name: str, found: Input) -> Iterator[tuple[str, Path | None]]:
    """The files behind a name, as (what the user calls it, its path)."""
    path = Path(name)
    if name == STANDARD_INPUT:
        yield _shown(name), None
    elif not path.is_dir():
        yield name, path
    else:
        below = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES and each.is_file())
        if not below:
            fix = f"name a folder with {', '.join(sorted(_SUFFIXES))} in it"
            found.unreadable.append(Unreadable(name, 0, 0, "the folder holds no manifest", fix))
        yield from ((str(each), each) for each in below)


def _text(name: str, path: Path | None, found: Input) -> str | None:
    try:
        with path.open("rb") if path else nullcontext(sys.stdin.buffer) as file:
            raw = file.read(LARGEST_BYTES + 1)
        if len(raw) > LARGEST_BYTES:
            what, fix = f"the file is larger than {LARGEST_BYTES // 1024**2} MiB", "is it a manifest? split it"
        else:
            return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what, fix = f"byte {error.start} is not UTF-8", "save the file as UTF-8"
    except OSError as error:
        what, fix = f"cannot be read: {error.strerror}", "name a file that exists and that you may read"
    found.unreadable.append(Unreadable(name, 0, 0, what, fix))
    return None


def _read_text(name: str, text: str, found: Input) -> None:
    reader = Reader()
    before = len(found.objects) + found.others + found.secrets
    try:
        for root in documents(text):
            _read_document(name, root, reader, found)
    except Refused as refused:
        found.unreadable.append(_at(name, refused.mark, refused.what, _template_fix(text, refused.mark) or refused.fix))
    except yaml.YAMLError as error:
        found.unreadable.append(_broken(name, text, error))
    else:
        if before == len(found.objects) + found.others + found.secrets:
            found.unreadable.append(Unreadable(name, 0, 0, "holds nothing", "was it rendered? name what holds objects"))


def _read_document(name: str, root: Node, reader: Reader, found: Input) -> None:
    body = reader.value(root)
    if body is None:
        return  # `---` twice, or comments only
    items = list(_items(root, body, "", ""))
    for node, item, api_version, kind in items:
        if kind in NOT_READ:
            found.secrets += 1
        for obj in objects_of(f"kubernetes:{api_version}:{kind}", item):
            found.objects.append(Located(obj, name, node))
    if not items:
        found.others += 1


def _items(node: Node, body: Any, api_version: str, kind: str) -> Iterator[tuple[MappingNode, Any, str, str]]:
    """(node, body, apiVersion, kind) of the object, or of each one in a `List`; none where there is no object."""
    if not isinstance(node, MappingNode) or not isinstance(body, dict):
        return
    api_version, kind = str(body.get("apiVersion") or api_version), str(body.get("kind") or kind)
    items = next((value for key, value in node.value if key.value == "items"), None)
    if kind.endswith("List") and isinstance(items, SequenceNode):
        for child, item in zip(items.value, body["items"], strict=True):
            yield from _items(child, item, api_version, kind.removesuffix("List"))
    elif api_version and kind and api_version.partition("/")[0] not in _NAMES_NO_OBJECT:
        yield node, body, api_version, kind


def _broken(name: str, text: str, error: yaml.YAMLError) -> Unreadable:
    """The parser's complaint at the place to act on; never the line itself, which may hold a value."""
    told = explained(Source.of(name, text), error)[0]
    mark = error.problem_mark or error.context_mark if isinstance(error, yaml.MarkedYAMLError) else None
    fix = _template_fix(text, mark) or told.advice or "mend the file, or leave it out"
    return Unreadable(name, told.place.line, told.place.column, told.message, fix)


def _template_fix(text: str, mark: yaml.Mark | None) -> str | None:
    """The way out for a chart's template, which is no YAML yet."""
    before = text.splitlines()[: mark.line + 1] if mark else []
    if any(_TEMPLATE.search(line) for line in before):
        return "this is a template: render it first (`helm template RELEASE CHART | substrate policy -`)"
    return None


def _at(name: str, mark: yaml.Mark | None, what: str, fix: str) -> Unreadable:
    return Unreadable(name, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0, what, fix)
