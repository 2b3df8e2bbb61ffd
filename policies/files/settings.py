"""The settings of `substrate policy`, from a file with the same keys as the pack's. Imports pyyaml and the settings.

Either the settings alone, `{"hotMinReplicas": 2}`, or the very file that Pulumi's `--policy-pack-config` takes, which
has them by policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from policies.files.nodes import Refused, documents
from policies.files.values import Reader
from policies.floors import wrong_floors
from policies.settings import unknown_settings

ALONE, TOGETHER, ADVICE, ALL = "llm-resource", "llm-stack", "llm-advice", "all"
_POLICIES = frozenset({ALONE, TOGETHER, ADVICE, ALL})
_TYPES: dict[str, Any] = {
    "integer": int,
    "number": (int, float),
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
}


class SettingsError(Exception):
    """A file of settings that cannot be used; the message has all that is wrong, a line each."""


def load(path: Path, schema: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(settings for an object alone, for objects together). Raises SettingsError."""
    try:
        read = [Reader().value(root) for root in documents(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, Refused, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read: {_reason(error)}") from None
    if len(read) != 1 or not isinstance(read[0], dict):
        raise SettingsError(f'{path}: write one mapping, as {{"hotMinReplicas": 2}}')
    alone, together = _by_policy(read[0])
    if wrong := sorted({*_wrong(alone, schema), *_wrong(together, schema)}):
        raise SettingsError("\n".join(f"{path}: {one}" for one in wrong))
    return alone, together


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]) or "it cannot be opened"


def _by_policy(written: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """As the pack reads them: `llm-resource`'s hold for all, another policy's own win."""
    if not written or written.keys() - _POLICIES:
        return written, written
    by_name = {name: value if isinstance(value, dict) else {} for name, value in written.items()}
    alone = {**by_name.get(ALL, {}), **by_name.get(ALONE, {})}
    return alone, {**alone, **by_name.get(TOGETHER, {})}


def _wrong(settings: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for name in unknown_settings(settings):
        yield f"there is no setting {name}: write one of {', '.join(schema)}"
    for name, value in settings.items():
        if name in schema:
            yield from _against(name, value, schema[name])
    floors = settings.get("floors")
    for wrong, fix in wrong_floors(floors) if isinstance(floors, dict) else ():
        yield f"{wrong}: {fix}"


def _against(name: str, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """What of the JSON Schema that the settings use a value breaks."""
    kind = schema.get("type", "")
    if not isinstance(value, _TYPES.get(kind, object)) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{name} is no {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{name} is {value}: write one of {', '.join(schema['enum'])}"
    elif "minimum" in schema and value < schema["minimum"]:
        yield f"{name} is {value}: write {schema['minimum']} or more"
    elif kind == "array":
        for number, item in enumerate(value):
            yield from _against(f"{name}[{number}]", item, schema.get("items", {}))
    elif kind == "object":
        yield from _inside(name, value, schema)


def _inside(name: str, value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    known = schema.get("properties", {})
    for key, item in value.items():
        if key in known:
            yield from _against(f"{name}.{key}", item, known[key])
        elif schema.get("additionalProperties") is False:
            yield f"{name}.{key}: there is no {key}"
