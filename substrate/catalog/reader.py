"""From YAML nodes to plain values, and what YAML allows that a stack file may not hold.

Imports pyyaml and the catalogue's source, scalars and syntax. Nothing is ever constructed from a tag.
"""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path, Place
from substrate.catalog.scalars import Ambiguous, read_plain
from substrate.catalog.showing import code_points, shown
from substrate.catalog.source import Source
from substrate.catalog.syntax import anchor


class Refused:
    """Stands for a value that was already reported, so that nothing more is said about it."""


REFUSED = Refused()


class Reader:
    """Turns nodes into plain values, and keeps what is wrong with them on the way."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text
        self.diagnostics: list[Diagnostic] = []

    def value(self, node: Node, path: Path) -> object:
        """A dict, list, str, int, bool; Ambiguous for a scalar that readers disagree on; REFUSED where all was said."""
        start = node.start_mark.index
        if start < len(self._text) and self._text[start] in "&!" and start != node.end_mark.index:
            return self._refuse(node, path)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        return node.value if isinstance(node, ScalarNode) and node.style else read_plain(node.value)

    def _refuse(self, node: Node, path: Path) -> Refused:
        start = node.start_mark
        token = self._text[start.index : start.index + 100].split(maxsplit=1)[0]
        place = self._source.place(start.line, start.column, len(token))
        if token.startswith("&"):
            self.diagnostics.append(anchor(place, path))
            return REFUSED
        self.diagnostics.append(
            Diagnostic(
                Code.TAG,
                f"the tag `{shown(token)}` is not read, and never run",
                place,
                path,
                help="remove it; text that looks like something else goes in quotes",
            )
        )
        return REFUSED

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        keys: dict[str, Node] = {}
        for key, value in node.value:
            name = self._key(key, path)
            if name is None:
                continue
            if name in keys:
                self._duplicate(name, key, keys[name], path)
                continue
            keys[name] = key
            values[name] = self.value(value, (*path, name))
        return values

    def _key(self, key: Node, path: Path) -> str | None:
        """A key's text; None where it was refused."""
        start = self._text[key.start_mark.index : key.start_mark.index + 1]
        if isinstance(key, ScalarNode) and start not in ("&", "!"):
            if key.style:
                return str(key.value)
            if key.value != "<<":
                return self._plain_key(key, path)
        self.diagnostics.append(self._refused_key(key, start, path))
        return None

    def _refused_key(self, key: Node, start: str, path: Path) -> Diagnostic:
        place = self._at(key)
        if start == "&" or (isinstance(key, ScalarNode) and key.value == "<<"):
            return anchor(place, path)
        return Diagnostic(Code.KEY_NOT_TEXT, "a key is plain text, this is not", place, path, help="write a name")

    def _plain_key(self, key: ScalarNode, path: Path) -> str:
        text = str(key.value)
        read = read_plain(text)
        if isinstance(read, str):
            return text
        reading = read.reading if isinstance(read, Ambiguous) else "text to some and not to others"
        message = f"the key `{shown(text)}` is {reading} to YAML"
        advice = f'write "{shown(text)}" in quotes'
        self.diagnostics.append(Diagnostic(Code.AMBIGUOUS_SCALAR, message, self._at(key), (*path, text), help=advice))
        return text

    def _at(self, node: Node) -> Place:
        return self._source.place(node.start_mark.line, node.start_mark.column, width(node))

    def _duplicate(self, name: str, key: Node, first: Node, path: Path) -> None:
        odd = code_points(name)
        self.diagnostics.append(
            Diagnostic(
                Code.DUPLICATE_KEY,
                f"`{shown(name)}` is written twice in one block",
                self._at(key),
                (*path, name),
                notes=(odd,) if odd else (),
                help="keep one of the two, or give one another name",
                also=((self._at(first), "first written here"),),
            )
        )


def width(node: Node) -> int:
    """Characters under a caret: a value on one line as a whole, anything longer at its first character."""
    start, end = node.start_mark, node.end_mark
    if start.line == end.line:
        return max(1, end.column - start.column)
    return 1
