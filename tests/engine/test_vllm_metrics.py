"""The metrics that vLLM's own source names are those of the facts. Reads the package; nothing of it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cluster import tools
from substrate.facts.metrics import BY_ENGINE

pytestmark = pytest.mark.engine

VLLM = BY_ENGINE["vllm"]
# `name="vllm:..."` is how the source names a metric that it makes.
MADE = re.compile(r'name="(vllm:[a-z0-9_]+)"')
FOLDERS = ("v1/metrics", "v1/spec_decode", "distributed/kv_transfer", "v1/simple_kv_offload")


@pytest.fixture(scope="module")
def made() -> set[str]:
    package = Path(tools.path("vllm-packages")) / "vllm"
    files = (file for folder in FOLDERS for file in (package / folder).rglob("*.py"))
    return {name for file in files for name in MADE.findall(file.read_text(encoding="utf-8"))}


def test_every_metric_that_the_source_makes_is_listed(made: set[str]) -> None:
    listed = {metric.name for metric in VLLM.metrics}

    assert len(made) > 50
    assert {name for name in made if name not in listed and f"{name}_total" not in listed} == set()


def test_nothing_that_is_said_to_be_gone_is_made(made: set[str]) -> None:
    assert VLLM.gone and not {metric.name.removesuffix("_total") for metric in VLLM.gone} & made
