"""A cluster that is there already: no privilege, no Kubernetes of our own, the user's kubeconfig untouched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.ports import free_port

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door")]

# Still uid 0, since this machine's Python lies in root's home, but with no capability left to make a namespace with.
POWERLESS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")


def test_make_up_on_an_existing_cluster_needs_no_privilege_and_builds_no_kubernetes(lab_project):
    kubeconfig = Path(lab_project.environment["KUBECONFIG"])
    before = kubeconfig.read_bytes()
    done = lab_project.run(*POWERLESS, "make", "up", "CLUSTER=existing", f"KUBECONFIG={kubeconfig}")

    assert "answered:" in done.stdout, done.stdout
    assert not (lab_project.folder / ".substrate" / "cluster").exists()
    assert kubeconfig.read_bytes() == before


def test_embedded_cluster_without_root_names_the_way_out(lab_project):
    up = (sys.executable, "-m", "cluster", "up", "--gateway-port", str(free_port()))
    refused = lab_project.run(*POWERLESS, *up, check=False)

    assert refused.returncode != 0
    assert "CLUSTER=existing" in refused.stdout + refused.stderr


def test_kubeconfig_that_is_not_there_is_named(lab_project, tmp_path):
    missing = tmp_path / "nowhere"
    refused = lab_project.run("make", "up", "CLUSTER=existing", f"KUBECONFIG={missing}", check=False)

    assert refused.returncode != 0
    assert str(missing) in refused.stderr
    assert "Traceback" not in refused.stderr
