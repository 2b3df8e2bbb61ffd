"""A cluster that is not there is said once, before Pulumi says it about every object; kubectl is the real one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import yaml

from cluster import tools
from ops.console import Failure
from ops.reach import reach

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a single context, whose port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gone", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", f"{tools.path('kubectl').parent}{os.pathsep}{os.environ['PATH']}")


def test_context_that_the_kubeconfig_lacks_is_named_with_those_it_has():
    with pytest.raises(Failure) as told:
        reach("homelab", "homelab")
    assert "context 'homelab' (substrate:cluster in Pulumi.homelab.yaml)" in str(told.value)
    assert "has only gone" in str(told.value)


def test_server_that_does_not_answer_is_named_with_a_way_to_look():
    with pytest.raises(Failure) as told:
        reach("homelab", "gone")
    assert "connection refused" in str(told.value) or "was refused" in str(told.value)
    assert "kubectl --context gone get nodes" in str(told.value)


def test_file_that_is_no_kubeconfig_is_said_in_kubectls_words(tmp_path: Path):
    (tmp_path / "config").write_text("a: [")
    with pytest.raises(Failure, match="cannot read the kubeconfig"):
        reach("homelab", "gone")
