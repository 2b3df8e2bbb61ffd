"""A cluster that is there already: no privilege, no Kubernetes of our own, the user's kubeconfig untouched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, Project, copy_project, free_port

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

# Still uid 0, since this machine's Python lies in root's home, but with no capability left to make a namespace with.
POWERLESS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")


@pytest.fixture
def project(lab: dict[str, str], tmp_path: Path) -> Project:
    """The local stack, pointed at the second cluster's Gateway, as a user with a cluster of their own would edit it."""
    root = str(Path(lab["KUBECONFIG"]).parent)
    subprocess.run([sys.executable, "-m", "cluster", "--root", root, "seed"], cwd=ROOT, check=True)
    project = Project(copy_project(tmp_path), lab)
    project.edit("Pulumi.local.yaml", "http://127.0.0.1:8080", f"http://127.0.0.1:{lab['GATEWAY_PORT']}")
    return project


def test_make_up_on_an_existing_cluster_needs_no_privilege_and_builds_no_kubernetes(project):
    kubeconfig = Path(project.environment["KUBECONFIG"])
    before = kubeconfig.read_bytes()
    done = project.run(*POWERLESS, "make", "up", "CLUSTER=existing", f"KUBECONFIG={kubeconfig}")

    assert "answered:" in done.stdout, done.stdout
    assert not (project.folder / ".substrate" / "cluster").exists()
    assert kubeconfig.read_bytes() == before


def test_embedded_cluster_without_root_names_the_way_out(project):
    up = (sys.executable, "-m", "cluster", "up", "--gateway-port", str(free_port()))
    refused = project.run(*POWERLESS, *up, check=False)

    assert refused.returncode != 0
    assert "CLUSTER=existing" in refused.stdout + refused.stderr


def test_kubeconfig_that_is_not_there_is_named(project, tmp_path):
    missing = tmp_path / "nowhere"
    refused = project.run("make", "up", "CLUSTER=existing", f"KUBECONFIG={missing}", check=False)

    assert refused.returncode != 0
    assert str(missing) in refused.stderr
    assert "Traceback" not in refused.stderr
