"""Cores of a replica, whole and in thousandths: what the pod asks for, and the threads of its engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate.manifests import serving
from tests.stacks import document, plan_document, server

MODEL = "smollm2-135m"


def local(cpus: str | int) -> dict[str, Any]:
    data = document("local")
    data["config"]["substrate:models"][MODEL]["cpus"] = cpus
    return data


@pytest.mark.parametrize(("cpus", "asked", "threads"), [(2, "2", "2"), ("500m", "500m", "1"), ("1500m", "1500m", "2")])
def test_part_of_a_core_is_asked_for_and_has_a_thread(
    tmp_path: Path, cpus: str | int, asked: str, threads: str
) -> None:
    planned = server(plan_document(local(cpus), tmp_path), MODEL)
    arguments = dict(zip(planned.engine.args, planned.engine.args[1:], strict=False))

    assert serving.resources(planned)["requests"]["cpu"] == asked
    assert arguments["--threads"] == threads
