"""From text to a tree of YAML nodes, each with its place. Imports pyyaml and the catalogue's source and syntax."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import CatalogError, Diagnostic
from substrate.catalog.source import Source
from substrate.catalog.syntax import explained, nowhere


def untagged(loader: type[Any]) -> type[Any]:
    """A loader that leaves open what an unquoted scalar is: `scalars` decides, and YAML 1.1 would take as long."""
    return type("Loader", (loader,), {"resolve": lambda *_: ""})


# libyaml's binding, a hundred times faster than the pure loader; that one reads the same where the other is missing.
LOADER = untagged(getattr(yaml, "CSafeLoader", yaml.SafeLoader))

# The catalogue is seven levels deep; more is a mistake or an attack on the parser's stack.
DEEPEST = 24
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
# Deep nesting without brackets shows as a long indent, or as `- - -` or `? ? ?` in one line.
_DEEP_BLOCK = re.compile(rf"^ {{{4 * DEEPEST}}}|(?:[-?:] +){{{DEEPEST}}}", re.MULTILINE)


def compose(source: Source) -> MappingNode:
    """The document's root. Raises CatalogError where it is no YAML, several documents, too deep, or no mapping."""
    _refuse_deep(source)
    try:
        root = yaml.compose(source.text, LOADER)
    except yaml.YAMLError as error:
        raise CatalogError(explained(source, error)) from None
    if root is None:
        raise CatalogError([Diagnostic(Code.FILE_EMPTY, "the stack file holds comments only", nowhere(source))])
    if not isinstance(root, MappingNode):
        raise CatalogError([_not_a_mapping(source, root)])
    return root


def _not_a_mapping(source: Source, root: Node) -> Diagnostic:
    kind = "a list" if isinstance(root, SequenceNode) else "a single value"
    return Diagnostic(
        Code.NOT_A_MAPPING,
        f"a stack file is a mapping that begins with `config:`, this is {kind}",
        source.place(root.start_mark.line, root.start_mark.column),
        help="write `config:` at the top and indent what belongs to it",
    )


def _refuse_deep(source: Source) -> None:
    """Look only where a cheap scan finds what could nest deeply: reading events does not recurse, composing does."""
    if not _DEEP_BLOCK.search(source.text) and not _may_nest(source.text):
        return
    depth = 0
    try:
        for event in yaml.parse(source.text, LOADER):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                mark = event.start_mark
                place = source.place(mark.line, mark.column) if mark else nowhere(source)
                message = f"blocks are nested more than {DEEPEST} deep here"
                raise CatalogError([Diagnostic(Code.TOO_DEEP, message, place, help="the catalogue has seven levels")])
    except yaml.YAMLError as error:
        raise CatalogError(explained(source, error)) from None


def _may_nest(text: str) -> bool:
    """Whether brackets, counted as if none were quoted, leave something after taking the innermost pairs off."""
    brackets = _NO_BRACKETS.sub("", text)
    for _ in range(DEEPEST):
        brackets = brackets.replace("[]", "").replace("{}", "")
    return bool(brackets)
