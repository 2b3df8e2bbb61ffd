"""Fixtures on the real engine and the embedded cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Embedded
from tests.e2e.harness import ROOT, Project, copy_project, shell_environment
from tests.stacks import SCALED

# The engine's state is written once, after an update, and not after each of its steps: two thirds of the time of the
# fleet's update. Only whoever kills it needs more, and those tests are on the clone's own cluster.
ONCE_AT_THE_END = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


@pytest.fixture(scope="session")
def embedded() -> None:
    """The embedded cluster with the local stack's weights in its S3; `make` does nothing when it is so already."""
    subprocess.run(["make", "cluster"], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def lab(foundations: Embedded) -> dict[str, str]:
    """A shell's environment on the shared cluster, whose S3 has the local stack's weights; its Gateway's port."""
    foundations.run("seed")
    shell = shell_environment("--root", str(foundations.root.path))
    return {**shell, **ONCE_AT_THE_END, "GATEWAY_PORT": str(foundations.plan.ports.gateway)}


def unobserve(project: Project) -> None:
    """Without Prometheus and what asks it, as the stack file says that one may: few shared clusters have them."""
    path = project.folder / "Pulumi.local.yaml"
    blocks = tuple(f"  substrate:{block}:" for block in SCALED)
    kept = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith(blocks)]
    path.write_text("".join(kept))


@pytest.fixture(scope="module")
def lab_project(lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The local stack's project pointed at the shared cluster; what was brought up of it is gone afterwards."""
    project = Project(copy_project(tmp_path_factory.mktemp("project")), lab)
    project.edit("Pulumi.local.yaml", "127.0.0.1:8080", f"127.0.0.1:{lab['GATEWAY_PORT']}")
    unobserve(project)
    try:
        yield project
    finally:
        project.remove("local", "home")


@pytest.fixture(scope="session")
def local(embedded: None, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The local stack, up, in a project folder of the tests' own."""
    project = Project(copy_project(tmp_path_factory.mktemp("project")))
    project.up("local")
    return project


@pytest.fixture
def copied(local: Project, tmp_path: Path) -> Project:
    """A second copy to break, for previews, which change nothing."""
    return Project(copy_project(tmp_path), local.environment)


@pytest.fixture
def edited(local: Project, copied: Project) -> Iterator[Project]:
    """A second copy to break; afterwards the stack is brought back to what the repository says."""
    yield copied
    local.pulumi("up", "--stack", "local", "--yes", "--skip-preview", "--refresh")
