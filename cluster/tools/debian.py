"""Programs that Debian packages hold: found on PATH, else installed by apt-get without starting any service.

Imports the standard library only.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cluster.tools import cache, places
from cluster.tools.errors import ToolError
from cluster.tools.process import Runner
from cluster.tools.progress import Progress

_LISTS = Path("/var/lib/apt/lists")
_LISTS_MAX_AGE = 7 * 24 * 3600  # seconds; older lists name files that mirrors have replaced
_UNFINISHED = Path("/var/lib/dpkg/updates")  # holds files where dpkg was killed
_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# written by substrate while it installs packages: no service may start\nexit 101\n"
_SECONDS = 40.0  # all packages, lists included, on the machine where this was written


def install(packages: Iterable[str], tools: Iterable[str], progress: Progress) -> None:
    """Install the packages that hold `tools`. Raises ToolError, also where apt-get or root is missing."""
    wanted, missing = sorted(set(packages)), ", ".join(sorted(tools))
    _check(wanted, missing)
    log = places.made(places.logs()) / "apt.log"
    with (
        cache.lock("apt", "Debian packages", progress),
        progress.step("Debian packages", f"installing {', '.join(wanted)}", expected=_SECONDS, log=log) as step,
    ):
        log.write_bytes(b"")
        with no_services():
            _install(wanted, Runner(log, step))


def _check(packages: Sequence[str], missing: str) -> None:
    if not shutil.which("apt-get"):
        raise ToolError(
            f"{missing}: not on PATH, and this system has no apt-get",
            remedy="install them with your system's package manager so that they are on PATH, or name each by"
            " SUBSTRATE_TOOL_<NAME>",
        )
    if os.geteuid() != 0:
        raise ToolError(
            f"{missing}: not on PATH, and only root can install packages",
            remedy=f"run once as root: apt-get install --no-install-recommends {' '.join(packages)}",
        )


def _install(packages: Sequence[str], runner: Runner) -> None:
    argv = ["apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    if any(_UNFINISHED.glob("*")):  # of a run that was killed; until then apt-get refuses everything
        runner.run(["dpkg", "--configure", "-a", "--force-confdef"], cwd=Path("/"), env=_environment())
    fresh = _lists_age() < _LISTS_MAX_AGE
    if not fresh:
        _update(runner)
    try:
        runner.run(argv, cwd=Path("/"), env=_environment())
    except ToolError:
        if not fresh:
            raise
        _update(runner)  # the mirror may have replaced what the lists name
        runner.run(argv, cwd=Path("/"), env=_environment())


def _update(runner: Runner) -> None:
    # Without Error-Mode apt-get update succeeds when it could fetch nothing, and the true cause is lost.
    runner.run(
        ["apt-get", "update", "-o", "APT::Update::Error-Mode=any", "-o", "DPkg::Lock::Timeout=300"],
        cwd=Path("/"),
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    return os.environ | {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "LC_ALL": "C.UTF-8"}


def _lists_age() -> float:
    """Seconds since apt-get update last wrote here; infinite where there are no lists."""
    if not any(_LISTS.glob("*_Packages*")):
        return float("inf")
    return time.time() - max(path.stat().st_mtime for path in (_LISTS, _LISTS / "partial") if path.exists())


@contextmanager
def no_services(policy: Path = _POLICY) -> Iterator[None]:
    """Forbid packages to start their services, by Debian's policy-rc.d; one that the system has is left alone."""
    ours = not policy.exists() or policy.read_text(errors="replace") == _POLICY_TEXT  # of a run that was killed
    if ours:
        policy.write_text(_POLICY_TEXT)
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)
