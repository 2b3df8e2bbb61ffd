"""Fixtures on the real engine and the embedded cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, Project, copy_project, free_port, shell_environment


@pytest.fixture(scope="session")
def embedded() -> None:
    """The embedded cluster with the local stack's weights in its S3; `make` does nothing when it is so already."""
    subprocess.run(["make", "cluster"], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A second embedded cluster, for stacks whose names the local stack has taken; gone afterwards."""
    root = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-m", "cluster", "--root", str(root)]
    port = str(free_port())
    subprocess.run([*command, "up", "--gateway-port", port], cwd=ROOT, check=True)
    yield {**shell_environment("--root", str(root)), "GATEWAY_PORT": port}
    subprocess.run([*command, "down"], cwd=ROOT, check=True)


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
