"""Bentos beside other models: what a stack's defaults mean for them, what they need, and circles of stages."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stacks import GGUF, codes, report, stack

from cluster.embedded import extras
from substrate.catalog import resolve
from substrate.catalog.bento import Stage
from substrate.catalog.rules.pipelines import circle_of
from substrate.cli import needs

IRIS: dict[str, Any] = {"pool": "gpu", "foundation": "bentoml", "bento": {"image": "registry.example/iris:1.0.0"}}


def test_engine_of_the_stacks_defaults_is_that_of_the_other_models():
    found = report(stack(("defaults", {"engine": "llama.cpp"}), ("models/iris", IRIS)))

    assert found.diagnostics == []
    assert found.catalog and resolve.engine_of(found.catalog, "iris") == "bentoml"
    assert resolve.engine_of(found.catalog, "m") == "llama.cpp"


def test_bento_needs_neither_context_nor_weights_nor_architecture():
    assert codes(("models/iris", IRIS)) == []


def test_foundation_of_the_stacks_defaults_may_be_bentoml():
    alone = {"pool": "gpu", "bento": IRIS["bento"]}

    assert codes(("defaults", {"foundation": "bentoml"}), ("models", {"iris": alone})) == []


@pytest.mark.parametrize("path", ["service.py", "model.pkl", "env/docker/entrypoint.sh", "weights.tar.gz"])
def test_code_is_staged_for_a_bento_and_for_no_other_model(path):
    files = {name: {"sha256": "a" * 64, "size": "1Ki"} for name in ("bento.yaml", path)}
    bento = {"pool": "gpu", "foundation": "bentoml", "weights": {"from": "s3://bentos/iris/", "files": files}}

    assert codes(("models/iris", bento)) == []
    weights = {"from": "s3://bucket/m/", "files": {**GGUF, path: files[path]}}
    assert codes(("models/m/weights", weights)) == ["SB0119"]


def test_stack_with_a_bento_asks_the_embedded_cluster_for_its_image(tmp_path: Path, capsys):
    file = tmp_path / "Pulumi.test.yaml"
    sections = stack(("models", {"iris": IRIS}))
    file.write_text(json.dumps({"config": {f"substrate:{key}": value for key, value in sections.items()}}))

    assert needs.run(file, None) == 0
    assert extras.chosen(capsys.readouterr().out.split()) == ("bentoml",)


def stages(edges: dict[str, list[str]]) -> dict[str, Stage]:
    return {name: Stage(service=name.upper(), depends=depends) for name, depends in edges.items()}


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8), st.data())
def test_circle_is_found_where_there_is_one_and_each_of_its_stages_waits_for_the_next(drawn, data):
    """Stages that only ask earlier ones form no circle; one asked by its own forerunner does."""
    edges = {
        f"s{number}": [f"s{other}" for other in sorted(asked) if other < number] for number, asked in enumerate(drawn)
    }
    assert circle_of(stages(edges)) == ()
    last = data.draw(st.sampled_from(sorted(edges)))
    way = [last]
    while edges[way[-1]]:
        way.append(data.draw(st.sampled_from(edges[way[-1]])))
    edges[way[-1]] = [last]
    circle = circle_of(stages(edges))

    assert circle[0] == circle[-1]
    assert all(after in edges[before] for before, after in pairwise(circle))
