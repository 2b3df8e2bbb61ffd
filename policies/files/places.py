"""Where in its file a flaw stands: the field that its words begin with, else the object. Imports pyyaml's nodes.

Rules name a field by its path (`spec.metrics[0]`), as a field of a container (`image of container engine`), or as an
annotation or label; of these the first in the sentence counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from policies.resources.pods import CONTAINER_LISTS

_PATH = re.compile(r"\b(?:spec|metadata)(?:\.[\w-]+|\[[^\]\s]+\])*")
_STEP = re.compile(r"[^.\[\]]+|\[[^\]]+\]")
_CONTAINER = re.compile(r"(?:(?P<field>[\w.\[\]-]+) of )?(?P<role>(?:init |ephemeral )?container) (?P<name>[\w.-]+)")
_KEYED = re.compile(r"(?P<word>annotation|label) (?P<key>[\w./-]+)")
_LISTS = {role: key for key, role in CONTAINER_LISTS.items()}
Spot = tuple[int, int]


def spot(node: MappingNode, found: str) -> Spot:
    """Line and column, from 1, of what `found` speaks of in an object."""
    readers = ((_PATH, _at_path), (_CONTAINER, _in_container), (_KEYED, _at_key))
    matches = [(match.start(), match, reader) for pattern, reader in readers if (match := pattern.search(found))]
    for _, match, reader in sorted(matches, key=lambda each: each[0])[:1]:
        return _mark(reader(node, match) or node)
    return _mark(node)


def _at_path(node: Node, match: re.Match[str]) -> Node | None:
    return _follow(node, _STEP.findall(match[0]))


def _in_container(node: Node, match: re.Match[str]) -> Node | None:
    for items in _lists(node, _LISTS[match["role"]]):
        for item in items.value:
            if _named(item, match["name"]):
                return _follow(item, _STEP.findall(match["field"] or "")) or item
    return None


def _at_key(node: Node, match: re.Match[str]) -> Node | None:
    return _follow(node, ["metadata", f"{match['word']}s", f"[{match['key']}]"])


def _follow(node: Node, steps: list[str]) -> Node | None:
    """The key (of a list the item) that the steps lead to, as far as they exist; None where not even the first does."""
    reached, inner = None, node
    for step in steps:
        found = _child(inner, step.strip("[]"))
        if found is None:
            break
        reached, inner = found
    return reached


def _child(node: Node, step: str) -> tuple[Node, Node] | None:
    """(what to point at, what is in it)."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, SequenceNode):
        numbered = enumerate(node.value)
        return next(((item, item) for number, item in numbered if step == str(number) or _named(item, step)), None)
    return None


def _named(node: Node, name: str) -> bool:
    found = _child(node, "name") if isinstance(node, MappingNode) else None
    return found is not None and isinstance(found[1], ScalarNode) and found[1].value == name


def _lists(node: Node, name: str) -> Iterator[SequenceNode]:
    """Every list under a key of this name, outermost first."""
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _lists(item, name)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == name and isinstance(value, SequenceNode):
                yield value
            else:
                yield from _lists(value, name)


def _mark(node: Node) -> Spot:
    return node.start_mark.line + 1, node.start_mark.column + 1
