"""Payload logging of a server: its block resolved, what it takes of the pod. Pure; imports the catalogue and facts."""

from __future__ import annotations

from substrate.catalog import resolve
from substrate.catalog.image_names import PAYLOAD_LOGGER
from substrate.catalog.model import Catalog
from substrate.facts import payload_logging as facts
from substrate.plan.types import LoggingPlan
from substrate.values import Duration


def logging_plan(catalog: Catalog, name: str) -> LoggingPlan | None:
    """How the model's requests are logged; None where they are not."""
    found = resolve.logging_of(catalog, name)
    if found is None or found.sink is None:
        return None
    return LoggingPlan(
        image=catalog.defaults.images[PAYLOAD_LOGGER],
        sink=found.sink,
        log=str(found.log),
        sample=found.sample,
        redact=tuple(found.redact),
        max_payload=found.max_payload,
        secret=found.secret_ref,
        cpus=resolve.taken_by_logging(catalog, name).cpus,
        drain=facts.DRAIN,
    )


def grace(engine: Duration, logging: LoggingPlan | None) -> Duration:
    """The pod's: an engine that needs all of its own leaves the logger none to send what it holds."""
    return Duration(engine + logging.drain) if logging else engine
