"""From text to YAML's nodes, one tree a document. Imports pyyaml and the catalogue's source.

The nodes are built from the parser's events, not by recursion: libyaml's binding ends the process on a file that is
nested some thousand deep.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Definitions of custom resources nest some 40 deep.
DEEPEST = 100


class Refused(Exception):
    """A document that cannot be judged: what is wrong, at which mark, and what to write instead."""

    def __init__(self, what: str, mark: yaml.Mark | None, fix: str) -> None:
        super().__init__(what)
        self.what, self.mark, self.fix = what, mark, fix


def documents(text: str) -> Iterator[Node]:
    """The root of each document that holds something; an alias is the very node of its anchor.

    Raises Refused, and yaml.YAMLError for what is no YAML; the documents before it were handed out.
    """
    building = _Building()
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.DocumentStartEvent):
            building = _Building()
        elif isinstance(event, yaml.DocumentEndEvent) and building.root is not None:
            yield building.root
        else:
            building.take(event)


class _Building:
    """One document as far as it has been read."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[CollectionNode] = []
        self._keys: list[Node | None] = []  # of each open mapping the key that waits for its value
        self._anchors: dict[str, Node] = {}

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._put(self._anchored(event))
        elif isinstance(event, yaml.NodeEvent):
            self._begin(event)

    def _begin(self, event: yaml.NodeEvent) -> None:
        node = _node(event)
        if node is None:
            return
        self._put(node)
        if event.anchor:
            self._anchors[event.anchor] = node
        if isinstance(node, CollectionNode):
            if len(self._open) == DEEPEST:
                raise Refused(f"blocks are nested more than {DEEPEST} deep here", node.start_mark, "flatten it")
            self._open.append(node)
            self._keys.append(None)

    def _anchored(self, event: yaml.AliasEvent) -> Node:
        mark: Any = event.start_mark
        node = self._anchors.get(event.anchor or "")
        if node is None:
            raise Refused("this alias has no anchor in its document", mark, "write the value out")
        if any(node is outer for outer in self._open):
            raise Refused("this alias stands within its own anchor", mark, "write the value out")
        return node

    def _put(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, SequenceNode):
            parent.value.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            parent.value.append((key, node))
            self._keys[-1] = None


def _node(event: yaml.NodeEvent) -> Node | None:
    tag: Any = event.tag if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) else None
    start: Any = event.start_mark
    if isinstance(event, yaml.ScalarEvent):
        return ScalarNode(tag, event.value, start, style=event.style)
    if isinstance(event, yaml.MappingStartEvent):
        return MappingNode(tag, [], start)
    return SequenceNode(tag, [], start) if isinstance(event, yaml.SequenceStartEvent) else None
