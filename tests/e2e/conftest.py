"""Fixtures on the real engine and the embedded cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, Project, copy_project


@pytest.fixture(scope="session")
def embedded() -> None:
    """The embedded cluster with the local stack's weights in its S3; `make` does nothing when it is so already."""
    subprocess.run(["make", "cluster"], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def local(embedded: None, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The local stack, up, in a project folder of the tests' own."""
    project = Project(copy_project(tmp_path_factory.mktemp("project")))
    project.up("local")
    return project


@pytest.fixture
def edited(local: Project, tmp_path: Path) -> Iterator[Project]:
    """A second copy to break; afterwards the stack is brought back to what the repository says."""
    yield Project(copy_project(tmp_path), local.environment)
    local.up("local")
