"""The real Pulumi CLI in a place of its own: file backend, home and plugins in a temporary folder, no cluster.

Imports pytest and `cluster`. Which binaries: `cluster.tools` decides (a setting, PATH, its cache).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster import pulumi_host, tools
from cluster.embedded import links

PROVIDER = "pulumi-resource-kubernetes"
# A run that hangs must say so before pytest's own limit cuts it off without its output.
RUN_TIMEOUT_SECONDS = 240
# Settings of the person at the keyboard that would reach another cluster, backend or account.
NOT_INHERITED = ("PULUMI_", "KUBE", "PYTHONPATH", "OTEL_")


@dataclass(frozen=True)
class Finished:
    """A CLI run that has ended: its exit status, and standard output and error as they came."""

    status: int
    output: str


Pulumi = Callable[..., Finished]


@pytest.fixture(scope="session")
def host_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this clone's language host, installed as `make` installs it."""
    directory = tmp_path_factory.mktemp("host")
    pulumi_host.install(directory)
    return directory


@pytest.fixture(scope="session")
def search_path(host_directory: Path) -> str:
    """PATH with our language host, the CLI, the Kubernetes provider and this interpreter first."""
    provider = tools.find(PROVIDER)  # none beside an official Pulumi, which fetches its own
    made = [tools.path("pulumi").parent, *([provider.path.parent] if provider else [])]
    return os.pathsep.join(map(str, [host_directory, *made, Path(sys.executable).parent, os.environ["PATH"]]))


@pytest.fixture
def pulumi_env(tmp_path: Path, search_path: str) -> dict[str, str]:
    """An environment in which `pulumi` knows nothing of this machine's user, and no cluster."""
    return isolated(tmp_path, search_path)


@pytest.fixture
def pulumi(pulumi_env: dict[str, str]) -> Pulumi:
    """`pulumi(["preview"], project)` runs the CLI there and returns what it said."""
    return runner(pulumi_env)


def isolated(folder: Path, search_path: str) -> dict[str, str]:
    """The environment described at `pulumi_env`, with state and home under `folder`."""
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    links.unlogged(folder / "pulumi-home")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    return inherited | {
        "PATH": search_path,
        "HOME": str(folder),
        "PULUMI_HOME": str(folder / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": str(tools.find(PROVIDER) is not None).lower(),
    }


def runner(environment: Mapping[str, str]) -> Pulumi:
    """The CLI as a function: never asks, never colours, never hangs for ever."""

    def run(arguments: Sequence[str], cwd: Path, extra: Mapping[str, str] | None = None) -> Finished:
        finished = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=cwd,
            env={**environment, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_TIMEOUT_SECONDS,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout)

    return run
