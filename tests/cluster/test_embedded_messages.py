"""What a user is told, and the shell that a user gets: no root, no cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.embedded import links, preflight, shell
from cluster.embedded.errors import ClusterError, tail
from cluster.embedded.layout import CLONE, Root

# --- what a user is told ------------------------------------------------------------------------------------------


def test_other_systems_are_told_the_other_way(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(ClusterError) as told:
        preflight.check()
    assert "this is darwin" in str(told.value)
    assert "make up CLUSTER=existing KUBECONFIG=" in str(told.value)


def test_users_without_root_are_told_the_other_way(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(ClusterError) as told:
        preflight.check()
    assert "needs root" in str(told.value)
    assert "make up CLUSTER=existing KUBECONFIG=" in str(told.value)


def test_missing_program_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None if name == "openssl" else f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(ClusterError, match="openssl is not on PATH"):
        preflight.check()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("up", "--gateway-port", "70000"), "'70000' is not a port"),
        (("exec", "--", "true"), "does not run"),
        (("logs", "etcs"), "there is no log of 'etcs'"),
        (("put-model", "/no/such/file", "key"), "/no/such/file is not a file"),
        (("frobnicate",), "invalid choice"),
    ],
)
def test_mistakes_are_told_in_words_and_end_with_an_error(tmp_path, arguments, said):
    command = [sys.executable, "-m", "cluster", "--root", str(tmp_path / "root"), *arguments]
    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_existing_cluster_is_the_one_that_kubeconfig_names(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("{}")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "mine"))

    assert shell.environment(Root.at(tmp_path / "root"), existing=True)["KUBECONFIG"] == str(tmp_path / "mine")


def test_existing_cluster_without_a_kubeconfig_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))

    with pytest.raises(ClusterError, match="KUBECONFIG=/path/to/kubeconfig"):
        shell.environment(Root.at(tmp_path / "root"), existing=True)


def test_path_names_our_folder_once_and_first(tmp_path, monkeypatch):
    root = Root.at(tmp_path / "root")
    monkeypatch.setenv("PATH", f"/usr/bin:{root.bin}:/bin")

    assert shell.environment(root)["PATH"] == f"{root.bin}:/usr/bin:/bin"


def test_exports_survive_any_character():
    exports = shell.exports({"ODD": "a 'b' $c\n"})
    done = subprocess.run(["bash", "-c", f'{exports}printf %s "$ODD"'], capture_output=True, text=True, check=True)

    assert done.stdout == "a 'b' $c\n"


def test_error_shows_the_end_of_the_log_and_where_it_is(tmp_path):
    log = tmp_path / "etcd.log"
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    told = str(ClusterError("etcd ended", remedy="see to it", log=log))

    assert told.splitlines()[0] == "etcd ended"
    assert "  | line 9999" in told
    assert "line 9000" not in told
    assert f"log: {log}" in told
    assert tail(tmp_path / "missing.log") == []


def test_program_is_linked_once_and_copied_where_no_link_is_possible(tmp_path, monkeypatch):
    program, target = tmp_path / "cache" / "pulumi", tmp_path / "bin" / "pulumi"
    for file in (program, target):
        file.parent.mkdir()
    program.write_bytes(b"one")
    links.beside(target, program)
    assert target.samefile(program) and not target.is_symlink()

    def another_file_system(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", another_file_system)
    newer = tmp_path / "cache" / "newer"
    newer.write_bytes(b"two and more")
    links.beside(target, newer)
    assert target.read_bytes() == newer.read_bytes() and not target.samefile(newer)
    copied = target.stat()
    links.beside(target, newer)
    assert target.stat() == copied
    assert [file.name for file in target.parent.iterdir()] == ["pulumi"]


def test_pulumi_writes_no_logs_of_its_own_unless_they_are_asked_for(tmp_path, monkeypatch):
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "old.log").write_text("of an earlier run")
    links.unlogged(tmp_path)
    links.unlogged(tmp_path)
    assert links.LOGGING in logs.read_text()

    monkeypatch.setenv(links.LOGGING, "1")
    links.unlogged(tmp_path)
    assert not logs.exists()
