"""What the files of the front door's configuration share: types, names, places, ports. Imports the standard library."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

PORT, METRICS_PORT = 8080, 9902
CONFIGURATION, KEYS = "/etc/envoy", "/etc/envoy-keys"
CLUSTERS, ROUTES, STARTING, KEYS_FILE = "clusters.json", "routes.json", "starting.json", "keys.json"
ADMIN = "/tmp/admin.sock"
# Of the metadata that one filter writes and the routes read.
NAMESPACE = "substrate"
# What a request asked for, in a message or a line of the log.
ASKED = f"%DYNAMIC_METADATA({NAMESPACE}:model):200%"
RBAC = "extensions.filters.http.rbac.v3.RBAC"


def kind(name: str) -> str:
    """The type of a message of Envoy's API, as JSON names it."""
    return f"type.googleapis.com/envoy.{name}"


def text(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True)


def resources(name: str, items: Iterable[dict[str, Any]]) -> str:
    """A file of dynamic configuration, one resource a line: a ConfigMap holds 1 MiB, and a diff shows what changed."""
    lines = [json.dumps({"@type": kind(name), **item}, sort_keys=True, separators=(",", ":")) for item in items]
    return '{"resources": [\n' + ",\n".join(lines) + "\n]}\n"


def watched(name: str, folder: str = CONFIGURATION) -> dict[str, Any]:
    """A file of a mounted ConfigMap or Secret: the kubelet replaces the whole folder by a rename."""
    source = {"path": f"{folder}/{name}", "watched_directory": {"path": folder}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
