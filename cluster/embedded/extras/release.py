"""What the extras' controllers have in common: objects of a release, and names and ports on the node. Imports addons.

A controller runs as a process of the node. What calls it by a Service finds it there: the Service has no selector.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cluster.embedded.addons import Object
from cluster.embedded.api import Api
from cluster.embedded.layout import Inside

LOCAL = "127.0.0.1"
# Services of this label are scraped at their port `metrics`, where the extra `prometheus` is.
SCRAPED = {"substrate.dev/scraped": "true"}
# Seconds for one call: of a definition of 2 MB the API server rebuilds its schemas (47 s for all on a busy machine).
_CALL = 60.0


def patient_api() -> Api:
    """The API server as those call it who give it large definitions."""
    return replace(Api.inside(), timeout=_CALL)


def documents(*files: Path) -> Iterator[dict[str, Any]]:
    """Every object in files of YAML."""
    for file in files:
        yield from (document for document in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader) if document)


def namespace(name: str, labels: Mapping[str, str] | None = None) -> Object:
    """A namespace under Pod Security `restricted`."""
    enforced = {"pod-security.kubernetes.io/enforce": "restricted", **(labels or {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforced}}


def api_service(group: str, version: str, service: str, where: str) -> Object:
    """A group of the API that a Service serves; its certificate is of the cluster's own authority."""
    spec = {
        "group": group,
        "version": version,
        "service": {"name": service, "namespace": where, "port": 443},
        "caBundle": base64.b64encode((Inside.PKI / "ca.crt").read_bytes()).decode(),
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    metadata = {"name": f"{version}.{group}"}
    return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": metadata, "spec": spec}


def kubeconfig(identity: str) -> Path:
    return Inside.PKI / f"{identity}.kubeconfig"
