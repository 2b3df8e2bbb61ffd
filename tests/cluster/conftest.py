"""The embedded cluster as a person has it, the clone's own as a fixture, and objects to try in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster import images, tools
from cluster.embedded import shell, state
from cluster.embedded.layout import CLONE, Root
from cluster.embedded.plan import Plan

PATIENCE = 360.0  # seconds; three times what anything here takes on a busy machine of two cores


@dataclass(frozen=True)
class Embedded:
    """A cluster, used as a person would: the command line, kubectl, a shell inside."""

    root: Root

    @property
    def kubeconfig(self) -> Path:
        return self.root.kubeconfig

    @property
    def plan(self) -> Plan:
        plan = Plan.read(self.root.plan)
        assert plan is not None, "it was never up"
        return plan

    @property
    def supervisor(self) -> int:
        """Its pid on the host."""
        process = state.supervisor(self.root)
        assert process is not None, "it does not run"
        return process.pid

    def run(
        self, *arguments: str | int, check: bool = True, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cluster", "--root", str(self.root.path), *map(str, arguments)]
        return completed(command, check, environment=environment)

    def up(self, *arguments: str | int, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("up", *arguments, check=check)

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        command = [str(tools.path("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        return completed(command, check, stdin).stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json"))
        return found

    def apply(self, *objects: dict[str, Any]) -> None:
        """Without kubectl's own look at the definitions, which it fetches whole and on a busy machine not in time."""
        together = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "--server-side", "--validate=false", "--filename=-", stdin=json.dumps(together))

    def make_namespace(self, name: str) -> None:
        """A namespace under Pod Security `restricted` that pods can be made in: its service account is there."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        account = ("get", "serviceaccount/default", f"--namespace={name}", "--ignore-not-found", "--output=name")
        eventually(f"namespace {name} has its service account", lambda: self.kubectl(*account))

    @contextmanager
    def namespaces(self, *names: str) -> Iterator[None]:
        """Such namespaces; what they held is gone afterwards, by and by. No pod is waited for that drains."""
        for name in names:
            self.make_namespace(name)
        try:
            yield
        finally:
            self.kubectl("delete", "namespace", *names, "--wait=false")
            for name in names:
                self.kubectl("delete", "pods", "--all", f"--namespace={name}", "--grace-period=0", "--force")

    def inside(self, *command: str, check: bool = True) -> str:
        return completed(shell.inside(self.root, command), check).stdout

    def components(self) -> dict[str, state.ComponentStatus]:
        status = state.read(self.root)
        assert status is not None
        return dict(status.components)


@pytest.fixture(scope="session")
def cluster() -> Embedded:
    """The clone's own cluster, up. It stays up: `make down` ends it."""
    embedded = Embedded(Root.at())
    embedded.up()
    return embedded


def completed(
    command: list[str], check: bool = True, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`environment` None for the tests' own."""
    done = subprocess.run(
        command, cwd=CLONE, input=stdin, env=environment, capture_output=True, text=True, timeout=PATIENCE * 2
    )
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def eventually(what: str, holds: Callable[[], Any], instead: Callable[[], Any] = str) -> Any:
    """What `holds` returns once that is true; an error of it is not. The test fails after `PATIENCE` seconds.

    `instead` says what there was then; the last error stands beside it.
    """
    deadline, pause = time.monotonic() + PATIENCE, 0.2
    while True:
        error: Exception | None = None
        try:
            if found := holds():
                return found
        except Exception as raised:
            error = raised
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what} {instead()} {error or ''}"
        time.sleep(pause)
        pause = min(1.0, 1.2 * pause)  # a question is a program's start: lanes that wait must leave the cores to others


def claim(name: str, where: str) -> dict[str, Any]:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "node-local",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def python_pod(name: str, where: str, *command: str, volume: str | None = None) -> dict[str, Any]:
    """A pod that Pod Security `restricted` admits, running Python from the stager's image; `volume` names a claim."""
    container: dict[str, Any] = {
        "name": "main",
        "image": images.reference("stager"),
        "imagePullPolicy": "Never",
        "command": ["python3.11", *command],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if volume:
        container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": volume}}]
    metadata = {"name": name, "namespace": where, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def server_pod(name: str, where: str, volume: str | None = None) -> dict[str, Any]:
    """A pod that serves the files of /data (or of /etc) on port 8000, Ready when it does."""
    folder = "/data" if volume else "/etc"
    pod = python_pod(name, where, "-m", "http.server", "8000", "--directory", folder, volume=volume)
    pod["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"port": 8000, "path": "/"}, "periodSeconds": 1}
    return pod


def service(name: str, where: str) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8000}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": where}, "spec": spec}


def wait_ready(embedded: Embedded, where: str, *pods: str) -> None:
    names = [f"pod/{pod}" for pod in pods]
    embedded.kubectl("wait", "--namespace", where, "--for=condition=Ready", f"--timeout={PATIENCE:.0f}s", *names)
