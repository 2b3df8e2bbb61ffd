"""A Pulumi stack file as Pulumi lays it out: which of its keys are ours. Imports the catalogue's own files.

Keys that Pulumi itself owns and config keys of other namespaces are left alone, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from yaml.nodes import MappingNode, Node, ScalarNode

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Place
from substrate.catalog.locate import Spot
from substrate.catalog.reader import width
from substrate.catalog.shape import NAMESPACE, SECTION_KEYS, SECTIONS
from substrate.catalog.showing import shown, to_ascii
from substrate.catalog.source import Source
from substrate.catalog.spelling import nearest

CONFIG = "config"
# The fields of Pulumi's own stack settings (sdk/go/common/workspace/project.go: ProjectStack).
PULUMI_KEYS = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")


class StackFile:
    """The sections of a stack file, by name without the namespace, and what is wrong around them."""

    def __init__(self, source: Source, root: MappingNode) -> None:
        self._source = source
        self.config: Spot = (None, root)
        self.sections: dict[str, Spot] = {}
        self.misspelt: set[str] = set()
        self.diagnostics: list[Diagnostic] = []
        self._read_top(root)

    @property
    def readable(self) -> bool:
        """Whether there is a `config:` that holds keys; what is wrong otherwise was said."""
        return self.config[0] is not None and isinstance(self.config[1], MappingNode)

    def _read_top(self, root: MappingNode) -> None:
        """Find `config:`, or the one key that was meant to be it."""
        meant: Spot | None = None
        beside: dict[str, Spot] = {}
        for name, key, value in self._keys(root):
            if name == CONFIG:
                self.config = (key, value)
            elif name not in PULUMI_KEYS:
                self.diagnostics.append(self._unknown_top(name, key))
                meant = (key, value) if nearest(to_ascii(name), PULUMI_KEYS) == CONFIG else meant
                beside[_without_namespace(name)] = (key, value)
        if self.config[0] is None and meant:
            self.config = meant
        config, value = self.config
        if config is None:
            self._report(Code.MISSING_KEY, root, "the stack file has no `config:`", help="begin with `config:`")
        elif isinstance(value, MappingNode):
            self._read_config(value)
            self._take(beside)
        else:
            self._report(
                Code.NOT_A_MAPPING,
                config,
                "`config:` holds no keys",
                help=f"write {SECTION_KEYS[0]} and the others indented below it",
            )

    def _read_config(self, config: MappingNode) -> None:
        """Collect the sections; one that is misspelt is read as what was meant, unless that is there too."""
        meant: dict[str, Spot] = {}
        for name, key, value in self._keys(config):
            if name in SECTION_KEYS:
                self.sections[name.removeprefix(NAMESPACE)] = (key, value)
            elif (wrong := self._unknown_config(name, key)) is not None:
                self.diagnostics.append(wrong)
                close = NAMESPACE + name if name in SECTIONS else nearest(to_ascii(name), SECTION_KEYS)
                meant.setdefault((close or "").removeprefix(NAMESPACE), (key, value))
        self._take(meant)

    def _take(self, meant: dict[str, Spot]) -> None:
        """Read as sections what was meant to be such, so that only the mistake itself is reported."""
        for section in SECTIONS:
            if section in meant and section not in self.sections:
                self.sections[section] = meant[section]
                self.misspelt.add(section)

    def _keys(self, node: MappingNode) -> Iterator[tuple[str, Node, Node]]:
        """Each key with its text; a second one of the same name is reported: Pulumi's own parser stops at it."""
        seen: dict[str, Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else None
            if name is None:
                self._report(Code.KEY_NOT_TEXT, key, "a key is plain text, this is not", help="write a name")
            elif name in seen:
                self._report(
                    Code.DUPLICATE_KEY,
                    key,
                    f"`{shown(name)}` is written twice in one block",
                    help="put what belongs to both under one of them",
                    also=((self._at(seen[name]), "first written here"),),
                )
            else:
                seen[name] = key
                yield name, key, value

    def _unknown_top(self, name: str, key: Node) -> Diagnostic:
        if name.startswith(NAMESPACE) or _without_namespace(name) in SECTIONS:
            full = name if name.startswith(NAMESPACE) else NAMESPACE + _without_namespace(name)
            message = f"`{shown(name)}` stands beside `config:`, where nothing reads it"
            return self._finding(
                Code.MISPLACED_KEY, key, message, help=f"write `{shown(full)}` below `config:`, indented"
            )
        message = f"a stack file has no key `{shown(name)}`"
        return self._finding(Code.UNKNOWN_KEY, key, message, choices=Choices(to_ascii(name), PULUMI_KEYS))

    def _unknown_config(self, name: str, key: Node) -> Diagnostic | None:
        """A key that is ours or was meant to be; None for another namespace's."""
        if name in SECTIONS:
            message = f"`{name}` lacks its namespace"
            return self._finding(Code.UNKNOWN_KEY, key, message, help=f"write `{NAMESPACE}{name}`")
        close = nearest(to_ascii(name), SECTION_KEYS)
        if name.startswith(NAMESPACE) or ":" not in name or close:
            message = f"there is no configuration `{shown(name)}`"
            return self._finding(Code.UNKNOWN_KEY, key, message, choices=Choices(to_ascii(name), SECTION_KEYS))
        return None

    def lines(self) -> list[range]:
        """The line numbers (from 1) that the sections take."""
        return [
            range((key or value).start_mark.line + 1, value.end_mark.line + 2) for key, value in self.sections.values()
        ]

    def _at(self, node: Node) -> Place:
        return self._source.place(node.start_mark.line, node.start_mark.column, width(node))

    def _finding(
        self, code: Code, node: Node, message: str, help: str | None = None, choices: Choices | None = None
    ) -> Diagnostic:
        return Diagnostic(code, message, self._at(node), help=help, choices=choices)

    def _report(
        self, code: Code, node: Node, message: str, help: str, also: tuple[tuple[Place, str], ...] = ()
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, self._at(node), help=help, also=also))


def _without_namespace(name: str) -> str:
    """`models` for `substrate:models`, and for what stands behind a letter too much: `x  substrate:models`."""
    return name.rpartition(NAMESPACE)[2]
