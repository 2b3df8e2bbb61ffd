"""The schema that editors read is current, and says of a stack file what the checker says of its shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from stacks import STACK

from substrate.catalog.schema import stack_schema, text
from substrate.catalog.shape import SECTION_KEYS

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "schema" / "stack.schema.json"


def faults(document: Any) -> list[str]:
    return [error.message for error in Draft7Validator(stack_schema()).iter_errors(document)]


def file(**sections: Any) -> dict[str, Any]:
    return {"config": {f"substrate:{name}": value for name, value in {**STACK, **sections}.items()}}


def test_the_checked_in_schema_is_current() -> None:
    assert CHECKED_IN.read_text() == text(), "run: substrate schema > schema/stack.schema.json"


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(stack_schema())


@pytest.mark.parametrize("name", ["local", "homelab", "fleet"])
def test_the_stacks_of_this_repository_are_valid(name: str) -> None:
    assert faults(yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())) == []


def test_every_section_is_described() -> None:
    assert set(stack_schema()["properties"]["config"]["properties"]) == set(SECTION_KEYS)


@pytest.mark.parametrize(
    "sections",
    [
        {"modelz": {}},
        {"teams": None},
        {"teams": {"home": None}},
        {"teams": {"home": {"quota": 1}}},
        {"teams": {"Home_Team": {}}},
        {"cluster": {"context": "x"}},
        {"pools": {"gpu": {"accelerator": "h1000", "nodes": ["n"]}}},
        {"stores": {"s": {"size": "100", "readMiBps": 1}}},
        {"defaults": {"tier": "warm"}},
        {"defaults": {"images": {"vlm": "x:1"}}},
    ],
)
def test_what_is_wrong_in_one_block_is_underlined(sections: dict[str, Any]) -> None:
    assert faults(file(**sections))


def test_other_namespaces_and_pulumis_own_keys_are_left_alone() -> None:
    document = {**file(), "encryptionsalt": "v1:abc", "secretsprovider": "passphrase", "environment": ["x"]}
    document["config"]["kubernetes:context"] = "other"
    assert faults(document) == []


def test_every_key_has_a_hint_for_the_editor() -> None:
    """At least the keys of a model and its weights say what they are for."""
    for name in ("Weights", "Architecture"):
        properties = json.loads(text())["definitions"][name]["properties"]
        assert [key for key, value in properties.items() if "description" not in value] == []
