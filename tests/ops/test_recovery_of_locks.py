"""Locks of killed runs are removed, those of living ones never."""

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

from ops import pulumi
from ops.console import Failure


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """A file backend in a folder, and the CLI calls that would have been made."""
    made = []
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setattr(pulumi, "call", lambda *args, **_: made.append(args) or "")
    return made


def lock(folder, content):
    path = folder / ".pulumi" / "locks" / "organization" / "substrate" / "local" / "one.json"
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_lock_of_a_killed_run_is_removed(calls, tmp_path):
    lock(tmp_path, {"pid": dead_process(), "hostname": socket.gethostname()})
    pulumi.unlock("local")

    assert calls == [("cancel", "--stack", "local", "--yes")]


def test_lock_that_a_kill_left_half_written_is_removed(calls, tmp_path):
    lock(tmp_path, "")
    pulumi.unlock("local")

    assert calls == [("cancel", "--stack", "local", "--yes")]


def test_lock_of_another_machine_is_respected(calls, tmp_path):
    lock(tmp_path, {"pid": 1, "hostname": "elsewhere", "username": "ada"})

    with pytest.raises(Failure, match="process 1 of ada"):
        pulumi.unlock("local")
    assert calls == []


def test_reused_process_id_does_not_keep_a_stack_locked(calls, tmp_path):
    lock(tmp_path, {"pid": os.getpid(), "hostname": socket.gethostname()})
    pulumi.unlock("local")

    assert len(calls) == 1, "this process is a test, not pulumi"


def test_killed_process_that_nobody_collected_holds_no_lock(calls, tmp_path):
    executable = tmp_path / "pulumi"
    executable.symlink_to(shutil.which("sleep"))
    process = subprocess.Popen([executable, "60"])
    lock(tmp_path, {"pid": process.pid, "hostname": socket.gethostname()})
    with pytest.raises(Failure, match="wait for it to end"):
        pulumi.unlock("local")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    pulumi.unlock("local")
    process.wait()

    assert len(calls) == 1


def test_no_lock_means_nothing_to_do(calls):
    pulumi.unlock("local")

    assert calls == []
