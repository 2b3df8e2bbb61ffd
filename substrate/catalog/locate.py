"""Where in the file a path of the catalogue stands. Imports the catalogue's tree, source and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Path, Place, Severity
from substrate.catalog.reader import width
from substrate.catalog.scalars import read_plain
from substrate.catalog.source import Source

Spot = tuple[Node | None, Node]


class Locator:
    """Finds places by path, and makes diagnostics there.

    A path begins with a section: ("models", "qwen2-5-7b", "pool"). A key that was read as another because of a typing
    error is known under both names.
    """

    def __init__(self, source: Source, config: Spot, sections: Mapping[str, Spot]) -> None:
        self._source = source
        self._config = config
        self._sections = dict(sections)
        self._spelled: dict[Path, str] = {}
        self._indexes: dict[int, dict[str, tuple[Node, Node]]] = {}

    def read_as(self, path: Path, spelled: str) -> None:
        """Remember that the key at `path` is spelled `spelled` in the file."""
        self._spelled[path] = spelled

    def _find(self, path: Path) -> Spot | None:
        if not path:
            return self._config
        spot = self._sections.get(str(path[0]))
        for end in range(2, len(path) + 1):
            if spot is None:
                return None
            spot = self._child(spot[1], path[:end])
        return spot

    def _child(self, node: Node, path: Path) -> Spot | None:
        part = path[-1]
        if isinstance(node, SequenceNode) and isinstance(part, int):
            return (None, node.value[part]) if part < len(node.value) else None
        if not isinstance(node, MappingNode):
            return None
        index = self._indexes.get(id(node))
        if index is None:
            index = self._indexes[id(node)] = {
                key.value: (key, value) for key, value in reversed(node.value) if isinstance(key, ScalarNode)
            }
        return index.get(self._spelled.get(path, str(part)))

    def key(self, path: Path) -> Place:
        """The key that a path ends in; for a list item the item."""
        spot = self._nearest(path)
        return self._place(spot[0] or spot[1])

    def value(self, path: Path) -> Place:
        """The value at a path if it is a scalar, else its key; the nearest block where the path is absent."""
        spot = self._find(path)
        if spot is None:
            return self.key(path)
        key, value = spot
        if key is None or (isinstance(value, ScalarNode) and value.start_mark.index != value.end_mark.index):
            return self._place(value)
        return self._place(key)

    def _nearest(self, path: Path) -> Spot:
        for end in range(len(path), 0, -1):
            if spot := self._find(path[:end]):
                return spot
        return self._config

    def _place(self, node: Node) -> Place:
        return self._source.place(node.start_mark.line, node.start_mark.column, width(node))

    def text(self, path: Path) -> str | None:
        """The text written at a path; None where it is absent, no scalar, or not text to YAML."""
        spot = self._find(path)
        if spot is None or not isinstance(spot[1], ScalarNode):
            return None
        node = spot[1]
        read = node.value if node.style else read_plain(node.value)
        return read if isinstance(read, str) else None

    def number(self, path: Path) -> int | None:
        """The whole number written at a path; None where it is absent or something else."""
        spot = self._find(path)
        if spot is None or not isinstance(spot[1], ScalarNode) or spot[1].style:
            return None
        read = read_plain(spot[1].value)
        return read if isinstance(read, int) and not isinstance(read, bool) else None

    def has(self, path: Path) -> bool:
        return self._find(path) is not None

    def is_block(self, path: Path) -> bool:
        """Whether a mapping stands at a path."""
        spot = self._find(path)
        return spot is not None and isinstance(spot[1], MappingNode)

    def names(self, *path: str) -> tuple[str, ...]:
        """The keys written at a path, in the file's order; none where it is absent."""
        spot = self._find(path)
        if spot is None or not isinstance(spot[1], MappingNode):
            return ()
        return tuple(str(key.value) for key, _ in spot[1].value if isinstance(key, ScalarNode))

    def items(self, *path: str) -> int:
        """How many items the list at a path has."""
        spot = self._find(path)
        return len(spot[1].value) if spot is not None and isinstance(spot[1], SequenceNode) else 0

    def report(
        self,
        code: Code,
        path: Path,
        message: str,
        *,
        notes: Iterable[str] = (),
        help: str | None = None,
        choices: Choices | None = None,
        also: Iterable[tuple[Path, str]] = (),
        at: Place | None = None,
        severity: Severity = Severity.ERROR,
    ) -> Diagnostic:
        """A diagnostic at a path's value; `also` are other paths that it follows from, each with what to say of it."""
        place = at or self.value(path)
        places = [(self.value(other), said) for other, said in also if self.has(other)]
        others = tuple(each for each in places if each[0] != place)
        return Diagnostic(code, message, place, path, severity, tuple(notes), help, choices, others)
