"""The JSON Schema of a stack file, for editors: completion, hints, and red lines where a value is wrong.

Imports pydantic and the catalogue's types. It says what one block may hold; `substrate check` says the rest.
"""

from __future__ import annotations

import json
from typing import Any

from substrate.catalog.model import Catalog
from substrate.catalog.shape import NAMESPACE, REQUIRED, SECTIONS
from substrate.catalog.stackfile import CONFIG, PULUMI_KEYS

# Draft 7 is what yaml-language-server, and so most editors, read completely.
DIALECT = "http://json-schema.org/draft-07/schema#"


def stack_schema() -> dict[str, Any]:
    """The schema of a whole stack file: our keys below `config`, others left alone."""
    catalog = Catalog.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = _tidy(catalog.pop("$defs"))
    sections = _tidy(catalog["properties"])
    ours = "|".join(SECTIONS)
    config = {
        "type": "object",
        "properties": {f"{NAMESPACE}{name}": sections[name] for name in SECTIONS},
        "patternProperties": {f"^{NAMESPACE}(?!({ours})$)": False},
        "required": [f"{NAMESPACE}{name}" for name in REQUIRED],
    }
    return {
        "$schema": DIALECT,
        "title": "Substrate stack",
        "description": "A Pulumi stack file of Substrate: Pulumi.<stack>.yaml",
        "type": "object",
        "properties": {CONFIG: config, **{key: True for key in PULUMI_KEYS if key != CONFIG}},
        "required": [CONFIG],
        "additionalProperties": False,
        "definitions": definitions,
    }


def _tidy(node: Any) -> Any:
    """Without what Python's defaults bring in: a key that may be absent may not therefore be null."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    some = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(some) == 1:
        node = {**{key: value for key, value in node.items() if key != "anyOf"}, **some[0]}
    if "patternProperties" in node:
        node = _named(node)
    return {
        key: {name: _tidy(each) for name, each in value.items()} if key == "properties" else _tidy(value)
        for key, value in node.items()
        if not _noise(key, value)
    }


def _named(node: dict[str, Any]) -> dict[str, Any]:
    """A table of names: a name of another form is wrong, not merely of another kind."""
    ((pattern, value),) = node["patternProperties"].items()
    rest = {key: each for key, each in node.items() if key != "patternProperties"}
    return {**rest, "propertyNames": {"pattern": pattern}, "additionalProperties": value}


def _noise(key: str, value: Any) -> bool:
    return (key in ("title", "examples") and not isinstance(value, dict)) or (
        key == "default" and (value is None or isinstance(value, dict))
    )


def text() -> str:
    """The schema as it is checked in."""
    return json.dumps(stack_schema(), indent=2) + "\n"
