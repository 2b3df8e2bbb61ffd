"""From YAML's nodes to plain values as the API's own reader takes them. Imports pyyaml and the nodes.

That reader differs from PyYAML's: a date stays text, and so does `1:30`; `yes` and `on` are booleans in both.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from policies.files.nodes import Refused

_RESOLVER = yaml.resolver.Resolver()
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_TEXT = "tag:yaml.org,2002:str"
_READ = {
    f"tag:yaml.org,2002:{kind}": getattr(yaml.constructor.SafeConstructor, f"construct_yaml_{kind}")
    for kind in ("bool", "int", "float", "null")
}
_MERGE = "<<"
# A file of anchors that name each other can stand for more than any memory holds.
LARGEST = 1_000_000


class Reader:
    """Reads one file's nodes; counts what it made, aliases written out."""

    def __init__(self) -> None:
        self._made = 0

    def value(self, node: Node) -> Any:
        """A dict, list or scalar. Raises Refused for a key twice, one that is no text, a tag of somebody's own."""
        self._made += 1
        if self._made > LARGEST:
            raise Refused("the aliases of this file stand for too much", node.start_mark, "write the values out")
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            return [self.value(item) for item in node.value]
        return scalar(node)

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            name = key_of(key)
            if name == _MERGE:
                for source in value.value if isinstance(value, SequenceNode) else [value]:
                    merged = {**self._merged(source), **merged}
            elif name in values:
                raise Refused(f"key {name} is written twice in one block", key.start_mark, "keep one of the two")
            else:
                values[name] = self.value(value)
        return {**merged, **values}

    def _merged(self, source: Node) -> dict[str, Any]:
        if not isinstance(source, MappingNode):
            raise Refused("only a mapping can be merged", source.start_mark, "write the values out")
        return self._mapping(source)


def key_of(node: Node) -> str:
    """A key as text. Raises Refused."""
    if not isinstance(node, ScalarNode):
        raise Refused("a key is a plain word, this is a block", node.start_mark, "write a name, or quote it")
    return str(node.value)


def scalar(node: Node) -> Any:
    """A scalar's value. Raises Refused for a tag that the API does not know."""
    if node.tag and node.tag not in (_TEXT, *_READ):
        raise Refused("a tag of this kind is not read", node.start_mark, "remove it")
    tag = node.tag or _tag(node)
    if tag not in _READ or ":" in node.value:
        return node.value
    try:
        return _READ[tag](_CONSTRUCTOR, ScalarNode(tag, node.value))
    except (ValueError, KeyError):
        return node.value


def _tag(node: Node) -> str:
    """What a scalar without a tag is: text where it is quoted."""
    if isinstance(node, ScalarNode) and node.style:
        return _TEXT
    return str(_RESOLVER.resolve(ScalarNode, node.value, (True, False)))  # type: ignore[no-untyped-call]
