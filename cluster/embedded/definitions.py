"""Objects applied, and CustomResourceDefinitions waited for. Imports cluster.embedded.api."""

from __future__ import annotations

import time
from collections.abc import Iterable

from cluster.embedded.api import Api, Object, condition
from cluster.embedded.errors import ClusterError

_TIMEOUT = 30.0  # seconds
KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def apply_all(api: Api, items: Iterable[Object]) -> None:
    """Each in its turn, and said in the task's log."""
    for item in items:
        api.apply(item)
        print(f"applied {item['kind']} {item['metadata']['name']}")


def establish(api: Api, definitions: Iterable[Object]) -> None:
    """Apply all, then wait until the API server serves each. Raises ClusterError, ApiError and OSError."""
    names = []
    for definition in definitions:
        api.apply(definition)
        names.append(definition["metadata"]["name"])
    deadline = time.monotonic() + _TIMEOUT
    for name in names:
        while condition(api.get(f"{KINDS}/{name}"), "Established").get("status") != "True":
            if time.monotonic() > deadline:
                raise ClusterError(f"the API server does not serve {name} after {_TIMEOUT:.0f} s")
            time.sleep(0.05)
