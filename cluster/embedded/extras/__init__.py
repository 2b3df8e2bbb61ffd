"""What a cluster has only when asked for: `python -m cluster up --with NAME`. One file an extra."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cluster.embedded.errors import ClusterError
from cluster.embedded.extras import (
    bentoml,
    front_door,
    http_add_on,
    keda,
    kserve,
    kserve_llm,
    payload_logging,
    prometheus,
    prometheus_adapter,
    triton,
    vllm,
)
from cluster.embedded.extras.extra import Extra

_ALL: tuple[Extra, ...] = (
    bentoml.EXTRA,
    front_door.EXTRA,
    http_add_on.EXTRA,
    keda.EXTRA,
    kserve.EXTRA,
    kserve_llm.EXTRA,
    payload_logging.EXTRA,
    prometheus.EXTRA,
    prometheus_adapter.EXTRA,
    triton.EXTRA,
    vllm.EXTRA,
)
# What every cluster serves with; naming it is right and changes nothing.
CORE = ("plain", "llama.cpp")
EXTRAS: Mapping[str, Extra] = {one.name: one for one in _ALL}


def extra(name: str) -> Extra:
    """The extra of this name. Raises ClusterError for a name that there is not."""
    if name not in EXTRAS:
        raise ClusterError(f"there is no extra {name!r}", remedy=f"name one of: {', '.join(EXTRAS)}")
    return EXTRAS[name]


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The extras among the names of foundations and engines, and those that they need, which come before them.

    Raises ClusterError for one that there is not.
    """
    found: dict[str, None] = {}
    for name in sorted(set(names) - set(CORE)):
        _add(extra(name), found)
    return tuple(found)


def _add(one: Extra, found: dict[str, None]) -> None:
    for name in one.needs:
        _add(extra(name), found)
    found[one.name] = None


__all__ = ["EXTRAS", "Extra", "chosen", "extra"]
