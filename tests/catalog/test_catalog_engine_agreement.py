"""What was checked is what is served: the file and Pulumi's engine must have read the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from stacks import STACK, stack

from substrate.catalog import CatalogError, load

FILE = yaml.safe_dump({"config": {f"substrate:{key}": value for key, value in STACK.items()}})


def codes(folder: Path, engine: dict[str, object], text: str = FILE) -> list[tuple[str, str]]:
    file = folder / "Pulumi.test.yaml"
    file.write_text(text)
    try:
        load(file, engine)
    except CatalogError as error:
        return [(each.code, ".".join(map(str, each.path))) for each in error.diagnostics]
    return []


@pytest.mark.parametrize(
    "engine",
    [
        stack(),
        {f"substrate:{key}": value for key, value in STACK.items()},
        {f"substrate:{key}": json.dumps(value) for key, value in STACK.items()},
        {**stack(), "servers": None, "defaults": None},
        {**stack(), "kubernetes:context": "other"},
    ],
    ids=["objects", "with namespace", "as JSON", "absent sections", "other namespaces"],
)
def test_agreement_in_every_form_that_the_engine_hands_over(engine: dict[str, object], tmp_path: Path) -> None:
    assert codes(tmp_path, engine) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (("models/m/context", 4097), "models.m.context"),
        (("models/m/context", "4096"), "models.m.context"),
        (("models/m/context", True), "models.m.context"),
        (("models/m/pool", "other"), "models.m.pool"),
        (("models/m/pool", None), "models.m.pool"),
        (("models/m/parallel", 8), "models.m"),
        (("pools/gpu/nodes", ["n1"]), "pools.gpu.nodes"),
        (("teams/other", {}), "teams"),
        (("defaults", {"tier": "hot"}), ""),
        (("models", None), "models"),
    ],
)
def test_a_difference_is_an_error_at_its_place(change: tuple[str, Any], path: str, tmp_path: Path) -> None:
    assert codes(tmp_path, stack(change)) == [("SB0018", path)]


def test_one_is_not_true(tmp_path: Path) -> None:
    text = FILE.replace("context: 4096", "context: 1")
    assert codes(tmp_path, stack(("models/m/context", True)), text) == [("SB0018", "models.m.context")]
    assert codes(tmp_path, stack(("models/m/context", 1)), text) == []


def test_an_ambiguous_scalar_is_reported_once_whatever_the_engine_made_of_it(tmp_path: Path) -> None:
    text = FILE.replace("context: 4096", "context: 0755")
    assert codes(tmp_path, stack(("models/m/context", 493)), text) == [("SB0104", "models.m.context")]


def test_a_misspelt_section_is_reported_once(tmp_path: Path) -> None:
    text = FILE.replace("substrate:teams", "substrate:team")
    assert codes(tmp_path, stack(("teams", None)), text) == [("SB0101", "")]
