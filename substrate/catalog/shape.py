"""From plain values to blocks: pydantic's findings become diagnostics, typing errors are read as what was meant.

Imports pydantic and the catalogue's types, locator and diagnostics. One block that is wrong does not keep the others
from being read, so that the rules can judge them in the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from substrate.catalog import fields
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Path
from substrate.catalog.explain import class_at, explain, keys_below, keys_of, subject
from substrate.catalog.fields import FieldError
from substrate.catalog.front_door import FrontDoor
from substrate.catalog.locate import Locator
from substrate.catalog.model import Cluster, Defaults, Model, Pool, Server, Store, Team
from substrate.catalog.monitoring import Monitoring
from substrate.catalog.reader import REFUSED
from substrate.catalog.scalars import Ambiguous
from substrate.catalog.scaling import Autoscaling
from substrate.catalog.showing import code_points, shown, to_ascii
from substrate.catalog.spelling import nearest
from substrate.catalog.types import Block

# A section is one block, or a table of named blocks; together they are the fields of Catalog.
SINGLE: dict[str, type[Block]] = {
    "cluster": Cluster,
    "defaults": Defaults,
    "frontDoor": FrontDoor,
    "monitoring": Monitoring,
    "autoscaling": Autoscaling,
}
TABLES: dict[str, type[Block]] = {"pools": Pool, "stores": Store, "teams": Team, "models": Model, "servers": Server}
SECTIONS = (*SINGLE, *TABLES)
NAMESPACE = "substrate:"
SECTION_KEYS = tuple(NAMESPACE + section for section in SECTIONS)
# So many mistakes are one: a file that is no stack, or one that a program wrote. What follows is not looked at.
MANY = 5000
REQUIRED = ("cluster", "pools", "stores", "teams", "models")
EXAMPLES = {
    "cluster": "{context: homelab, baseUrl: http://127.0.0.1:8080}",
    "pools": "{engine-01: {accelerator: gtx-1080-ti, nodes: [engine-01]}}",
    "stores": "{store-01: {nfs: {server: store-01, path: /export/models}, size: 200Gi, readMiBps: 110}}",
    "teams": "{home: {}}",
    "models": "a block for each model; README.md shows one",
}


@dataclass
class Reading:
    """What a file's sections came to. `blocks` holds what is valid: by section and name, single sections under ""."""

    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic | None) -> None:
        if diagnostic is not None:
            self.diagnostics.append(diagnostic)


@dataclass(frozen=True)
class Finding:
    """One of pydantic's errors, with the whole path to it."""

    path: Path
    kind: type[Block]
    error: ErrorDetails

    @property
    def type(self) -> str:
        return self.error["type"]


def read_sections(data: Mapping[str, object], where: Locator) -> Reading:
    """Validate every section by itself. `data` maps a section to its plain value; misspelt keys are renamed in it."""
    reading = Reading()
    for section in REQUIRED:
        if section not in data and not _swallowed(NAMESPACE + section, data):
            reading.add(_missing_section(section, where))
    for section, value in data.items():
        if section in SINGLE:
            _read_block(SINGLE[section], value, (section,), where, reading)
        else:
            _read_table(section, value, where, reading)
    return reading


def _swallowed(key: str, value: object) -> bool:
    """Whether a section's key stands inside another block: that is reported there."""
    if not isinstance(value, Mapping):
        return False
    return key in value or any(_swallowed(key, inner) for inner in value.values())


def _missing_section(section: str, where: Locator) -> Diagnostic:
    return where.report(
        Code.MISSING_KEY,
        (),
        f"the stack has no `substrate:{section}`",
        at=where.key(()),
        help=f"add `substrate:{section}: {EXAMPLES[section]}`" if section != "models" else f"add {EXAMPLES[section]}",
    )


def _read_table(section: str, value: object, where: Locator, reading: Reading) -> None:
    if value is REFUSED:
        return
    noun = section.removesuffix("s")
    if not isinstance(value, dict):
        reading.add(_not_a_table(section, noun, value, where))
        return
    if not value and section in REQUIRED:
        message = f"`substrate:{section}` names no {noun}"
        reading.add(where.report(Code.EMPTY, (section,), message, help=f"name at least one: {EXAMPLES[section]}"))
    before: str | None = None
    for name, entry in value.items():
        if len(reading.diagnostics) > MANY:
            return
        if name in SECTION_KEYS:
            reading.add(_swallowed_section(section, name, where))
            continue
        if _belongs_inside(section, name, entry):
            reading.add(_misplaced_entry(section, name, before, where))
            reading.blocks.get(section, {}).pop(before or "", None)
            _forget_missing(reading, section, before, name)
            continue
        _check_name(section, name, where, reading)
        _read_block(TABLES[section], entry, (section, name), where, reading)
        before = name


def _not_a_table(section: str, noun: str, value: object, where: Locator) -> Diagnostic:
    empty = value is None or (isinstance(value, Ambiguous) and value.empty)
    message = f"`substrate:{section}` " + ("has no value" if empty else f"is no mapping from names to {noun} blocks")
    example = EXAMPLES.get(section, "{name: {...}}")
    return where.report(Code.NO_VALUE if empty else Code.WRONG_TYPE, (section,), message, help=f"write {example}")


def _swallowed_section(section: str, name: str, where: Locator) -> Diagnostic:
    message = f"`{name}` stands among the {section}, so it is read as one of them"
    advice = f"indent it like `{NAMESPACE}{section}`"
    return where.report(Code.MISPLACED_KEY, (section, name), message, at=where.key((section, name)), help=advice)


def _belongs_inside(section: str, name: str, entry: object) -> bool:
    """Whether an entry is a key of a block that lost its indent: `pool: engine-01` beside the models, say."""
    kind = TABLES[section]
    if name not in keys_of(kind):
        return False
    return not isinstance(entry, dict) or not set(entry) & set(keys_of(kind))


def _misplaced_entry(section: str, name: str, before: str | None, where: Locator) -> Diagnostic:
    noun = section.removesuffix("s")
    belongs = f"a key of {noun} `{shown(before)}`" if before else f"a key of a {noun}"
    message = f"`{name}` stands where the name of a {noun} is expected"
    return where.report(
        Code.MISPLACED_KEY,
        (section, name),
        message,
        at=where.key((section, name)),
        help=f"indent it further if it is {belongs}; otherwise give the {noun} another name",
    )


def _forget_missing(reading: Reading, section: str, before: str | None, name: str) -> None:
    """The block above is not wrong in itself when what it lacks stands just below it, unindented."""
    path = (section, before, name)
    reading.diagnostics = [
        each for each in reading.diagnostics if not (each.code is Code.MISSING_KEY and each.path == path)
    ]


def _check_name(section: str, name: str, where: Locator, reading: Reading) -> None:
    try:
        fields.dns_label(name)
    except FieldError as error:
        path = (section, name)
        reading.add(
            where.report(error.code, path, error.message, at=where.key(path), help=error.help, notes=error.notes)
        )


def _read_block(kind: type[Block], value: object, path: Path, where: Locator, reading: Reading) -> None:
    """Read one block, and keep it where it can be judged."""
    if value is REFUSED:
        return
    block, findings = _validated(kind, value, path)
    if block is None:
        block = _recovered(kind, value, findings, path, where, reading)
    if block is not None:
        name = str(path[1]) if len(path) > 1 else ""
        reading.blocks.setdefault(str(path[0]), {})[name] = block


def _validated(kind: type[Block], value: object, path: Path) -> tuple[Block | None, list[Finding]]:
    """The block, or what keeps it from being one."""
    try:
        return kind.model_validate(value), []
    except ValidationError as failed:
        errors = failed.errors(include_url=False)
        return None, [Finding((*path, *error["loc"]), class_at(kind, error["loc"]), error) for error in errors]


def _recovered(
    kind: type[Block], value: object, findings: list[Finding], path: Path, where: Locator, reading: Reading
) -> Block | None:
    """Report what is wrong. With misspelt keys read as what was meant the block may be sound after all."""
    block: Block | None = None
    lost, taken = _misplaced(findings), _taken(findings)
    sound = True
    while isinstance(value, dict) and (unknown := _unknown(findings)):
        for each in unknown[:MANY]:
            reading.add(_unknown_key(each, value, path, where, lost))
            # A block that nothing reads may be just what a rule would miss.
            sound = sound and each.path not in lost and not isinstance(each.error["input"], dict | list)
            _respell(value, each, path, where)
        if len(unknown) > MANY:
            return None
        block, findings = _validated(kind, value, path)
    for each in findings[:MANY]:
        excused = each.path in taken or any(_same_key(each.path, other) for other in lost)
        if not (each.type == "missing" and excused):
            reading.add(explain(each.error, each.kind, each.path, where))
    return block if sound else None


def _unknown(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.type == "extra_forbidden"]


def _misplaced(findings: list[Finding]) -> set[Path]:
    """Unknown keys that another block of the same value misses: the indent is wrong, not the spelling."""
    absent = [each.path for each in findings if each.type == "missing"]
    wrong = [each.path for each in findings if each.type in ("extra_forbidden", "model_type")]
    return {path for path in wrong if any(_same_key(other, path) for other in absent)} | {
        each.path for each in _unknown(findings) if each.path[-1] in keys_below(each.kind)
    }


def _taken(findings: list[Finding]) -> set[Path]:
    """Missing keys that an unknown block beside them holds: a line that crept in took them from their own block."""
    absent = [each.path for each in findings if each.type == "missing"]
    blocks = [each for each in _unknown(findings) if isinstance(each.error["input"], dict)]
    return {
        path
        for path in absent
        for block in blocks
        if path[-1] in block.error["input"] and path[: len(block.path) - 1] == block.path[:-1]
    }


def _same_key(one: Path, other: Path) -> bool:
    """The same key at two depths of one block."""
    shorter, longer = sorted((one, other), key=len)
    return one != other and one[-1] == other[-1] and longer[: len(shorter) - 1] == shorter[:-1]


def _unknown_key(finding: Finding, value: dict[str, Any], top: Path, where: Locator, lost: set[Path]) -> Diagnostic:
    path = finding.path
    key = str(path[-1])
    block = subject(path[:-1])
    if away := finding.kind.set_elsewhere.get(key):
        message = f"{block} has no key `{shown(key)}`: {away.why}"
        return where.report(away.code, path, message, at=where.key(path), help=away.help)
    if path in lost:
        owners = ", ".join(f"`{name}`" for name in keys_below(finding.kind).get(key, ()))
        advice = f"indent it under {owners}" if owners else "check the indent: a block above or below it needs this key"
        return where.report(
            Code.MISPLACED_KEY,
            path,
            f"{block} has no key `{shown(key)}`, another block does",
            at=where.key(path),
            help=advice,
        )
    free = tuple(name for name in keys_of(finding.kind) if name not in _at(value, path[len(top) : -1]))
    notes = [note] if (note := code_points(key)) else []
    return where.report(
        Code.UNKNOWN_KEY,
        path,
        f"{block} has no key `{shown(key)}`",
        at=where.key(path),
        notes=notes,
        choices=Choices(to_ascii(key), free),
    )


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _respell(value: dict[str, Any], finding: Finding, top: Path, where: Locator) -> None:
    """Rename a misspelt key to the nearest free one, or drop a key that resembles none; in place."""
    path = finding.path
    block = _at(value, path[len(top) : -1])
    key = str(path[-1])
    held = block.pop(key)
    meant = nearest(to_ascii(key), [name for name in keys_of(finding.kind) if name not in block])
    if meant:
        block[meant] = held
        where.read_as((*path[:-1], meant), key)
