"""`make up`'s deployment killed at random points ends whole at the next one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.e2e.harness import Project

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

SEED = 20261124
KILLS = 5


def kill_during_up(project: Project, after: float) -> bool:
    """Start an update in a process group of its own and kill all of it; False when it had ended before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.up", "local"],
        cwd=project.folder,
        env=dict(project.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after)
    ended = process.poll() is not None
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return not ended


def test_update_killed_at_five_random_points_ends_whole(local, capsys):
    local.pulumi("destroy", "--stack", "local", "--yes", "--skip-preview")
    points = [random.Random(SEED + turn).uniform(1, 14) for turn in range(KILLS)]
    killed = [kill_during_up(local, point) for point in points]
    with capsys.disabled():
        print(f"\n  killed after {', '.join(f'{point:.1f} s' for point in points)}: {killed}")
    done = local.up("local")

    assert any(killed)
    assert "answered:" in done.stdout
    local.pulumi("refresh", "--stack", "local", "--preview-only", "--expect-no-changes")
