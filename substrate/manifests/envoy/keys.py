"""The keys of the front door's clients, as Envoy reads them from a Secret. Pure; imports this package's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from substrate.manifests.envoy import api


def keys_file(clients: Mapping[str, str]) -> str:
    """What the Secret holds under `keys.json`: each client's key, by the client's name. Read again when changed."""
    policies = {client: _policy(key) for client, key in sorted(clients.items())}
    rules = {"@type": api.kind(api.RBAC), "rules": {"action": "ALLOW", "policies": policies}}
    return api.resources("config.core.v3.TypedExtensionConfig", [{"name": "keys", "typed_config": rules}])


def _policy(key: str) -> dict[str, Any]:
    """OpenAI's clients send the one header, Anthropic's the other."""
    headers = {"authorization": f"Bearer {key}", "x-api-key": key}
    matches = [{"header": {"name": name, "string_match": {"exact": value}}} for name, value in headers.items()]
    return {"permissions": [{"any": True}], "principals": matches}
