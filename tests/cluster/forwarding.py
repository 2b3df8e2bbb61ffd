"""A way to a port inside the cluster, as a person at kubectl has it. Imports the cluster's fixtures."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from cluster import tools
from tests.cluster.conftest import PATIENCE, Embedded

_SERVES = re.compile(r"127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(cluster: Embedded, where: str, target: str, port: int) -> Iterator[httpx.Client]:
    """A client of a port of `pod/NAME` or `service/NAME`, by `kubectl port-forward`."""
    with _kubectl(cluster, "-n", where, "port-forward", target, f":{port}") as base, _client(base) as client:
        yield client


@contextmanager
def proxied(cluster: Embedded, where: str, service: str, port: int) -> Iterator[httpx.Client]:
    """A client of a Service's port by `kubectl proxy`: each request goes by itself, none waits for a lost tunnel."""
    path = f"/api/v1/namespaces/{where}/services/{service}:{port}/proxy"
    with _kubectl(cluster, "proxy", "--port=0") as base, _client(base + path) as client:
        yield client


def _client(base: str) -> httpx.Client:
    return httpx.Client(base_url=base, timeout=PATIENCE)


@contextmanager
def _kubectl(cluster: Embedded, *arguments: str) -> Iterator[str]:
    """The URL at which it serves, as it says in its first line, while it runs."""
    command = [str(tools.path("kubectl")), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            found = _SERVES.search(line := process.stdout.readline())
            assert found, line
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
