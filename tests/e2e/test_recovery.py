"""`make up` killed at random points ends whole at the next one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest

from tests.e2e.harness import ROOT, Project

pytestmark = [pytest.mark.cluster]

SEED = 20261124
KILLS = 5


def make_up(kill_after: float | None = None) -> subprocess.CompletedProcess[str] | None:
    """Run it in a process group of its own; None when all of the group was killed before it ended."""
    process = subprocess.Popen(
        ["make", "up"], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        shown, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    return subprocess.CompletedProcess("make up", process.returncode, shown)


def destroy(project: Project) -> None:
    """So that every run has everything still to make; the weights stay. No pod is left the time to drain."""
    gone = ("deployments.apps,pods", "--all", "--namespace=home", "--grace-period=0", "--force", "--wait=false")
    project.kubectl("delete", *gone)
    project.pulumi("destroy", "--stack", "local", "--yes", "--skip-preview")


def killed(project: Project, point: float) -> None:
    """A run that was killed after so many seconds, or earlier where it had ended by then."""
    destroy(project)
    while make_up(kill_after=point):
        point /= 2
        destroy(project)


def test_make_up_killed_at_five_random_points_ends_whole_at_the_next(local):
    destroy(local)
    began = time.monotonic()
    assert make_up()
    whole = time.monotonic() - began
    for turn in range(KILLS):
        killed(local, random.Random(SEED + turn).uniform(0.2, 0.85) * whole)
        done = make_up()

        assert done is not None
        assert done.returncode == 0, done.stdout
        assert "answered:" in done.stdout
        local.pulumi("refresh", "--stack", "local", "--preview-only", "--expect-no-changes")
