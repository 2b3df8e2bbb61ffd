"""Objects applied, and CustomResourceDefinitions waited for. Imports cluster.embedded.api."""

from __future__ import annotations

import time
from collections.abc import Iterable
from http import HTTPStatus

from cluster.embedded.api import Api, ApiError, Object, condition
from cluster.embedded.errors import ClusterError

_TIMEOUT = 240.0  # seconds; on a busy machine the larger definitions take tens of them
_PAUSE = 1.0  # seconds
KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def apply_all(api: Api, items: Iterable[Object]) -> None:
    """Each in its turn, and said in the task's log."""
    for item in items:
        api.apply(item)
        print(f"applied {item['kind']} {item['metadata']['name']}")


def establish(api: Api, definitions: Iterable[Object]) -> None:
    """Apply all, then wait until the API server serves each. Raises ClusterError, ApiError and OSError."""
    names = []
    deadline = time.monotonic() + _TIMEOUT
    for definition in definitions:
        _apply(api, definition, deadline)
        names.append(definition["metadata"]["name"])
    for name in names:
        while condition(api.get(f"{KINDS}/{name}"), "Established").get("status") != "True":
            if time.monotonic() > deadline:
                raise ClusterError(f"the API server does not serve {name} after {_TIMEOUT:.0f} s")
            time.sleep(0.05)


def _apply(api: Api, definition: Object, deadline: float) -> None:
    """The API server gives up any change after 34 s, and the schema of a large definition may take longer on a busy
    machine: it is asked again. Raises ApiError and OSError.
    """
    while True:
        try:
            return api.apply(definition)
        except ApiError as error:
            if error.status != HTTPStatus.GATEWAY_TIMEOUT or time.monotonic() > deadline:
                raise
        print(f"applying {definition['metadata']['name']} once more: the API server was too busy")
        time.sleep(_PAUSE)
