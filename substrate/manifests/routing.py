"""A route on the stack's Gateway, whatever it leads to. Pure."""

from __future__ import annotations

from typing import Any

# A long answer is normal; the engine bounds it, not the proxy.
UNBOUNDED = {"request": "0s"}


def route(metadata: dict[str, Any], gateway: tuple[str, str], *rules: dict[str, Any]) -> dict[str, Any]:
    """An HTTPRoute; `gateway` is its name and namespace."""
    name, namespace = gateway
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name, "namespace": namespace}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {"parentRefs": [parent], "rules": list(rules)},
    }
