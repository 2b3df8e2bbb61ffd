"""A way to a port inside the cluster, as a person at kubectl has it. Imports the cluster's fixtures."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from cluster import tools
from tests.cluster.conftest import PATIENCE, Embedded

_PROXYING = re.compile(r"serve on 127\.0\.0\.1:(\d+)")
_FORWARDING = re.compile(r"127\.0\.0\.1:(\d+) -> ")


@contextmanager
def forwarded(cluster: Embedded, where: str, target: str, port: int) -> Iterator[httpx.Client]:
    """A client of a port of `pod/NAME` or `service/NAME`, by `kubectl port-forward`."""
    command = [str(tools.path("kubectl")), "--kubeconfig", str(cluster.kubeconfig), "-n", where]
    command += ["port-forward", target, f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            found = _FORWARDING.search(line := process.stdout.readline())
            assert found, line
            with httpx.Client(base_url=f"http://127.0.0.1:{found[1]}", timeout=PATIENCE) as client:
                yield client
        finally:
            process.terminate()


@contextmanager
def proxied(cluster: Embedded, where: str, service: str, port: int) -> Iterator[httpx.Client]:
    """A client of a Service's port by `kubectl proxy`: each request goes by itself, none waits for a lost tunnel."""
    command = [str(tools.path("kubectl")), "--kubeconfig", str(cluster.kubeconfig), "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            found = _PROXYING.search(line := process.stdout.readline())
            assert found, line
            path = f"/api/v1/namespaces/{where}/services/{service}:{port}/proxy"
            with httpx.Client(base_url=f"http://127.0.0.1:{found[1]}{path}", timeout=PATIENCE) as client:
                yield client
        finally:
            process.terminate()
