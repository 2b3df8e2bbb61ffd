"""What a model may be scaled on, and which engine tells of it. Imports the facts of engines only."""

from __future__ import annotations

from enum import StrEnum

from substrate.facts.engines import Metrics


class Signal(StrEnum):
    """As a stack file writes it. What each is asked for as: `substrate.queries`."""

    IN_FLIGHT = "inFlight"
    WAITING = "waiting"
    KV_CACHE = "kvCache"
    TOKENS_IN_FLIGHT = "tokensInFlight"
    TIME_TO_FIRST_TOKEN = "timeToFirstToken"
    GPU = "gpu"


# Where a stack names none: the first that the engine exports (docs/decisions/scaling.md).
PREFERRED = (Signal.IN_FLIGHT, Signal.WAITING)


def offered(metrics: Metrics) -> tuple[Signal, ...]:
    """The signals that an engine exports the metrics of. The GPU's use is its driver's to tell, and not among them.

    An engine that does not say what waits counts it among what runs, as BentoML does; one that says only what waits
    (Triton) tells nothing of what is in flight.
    """
    there = {
        Signal.IN_FLIGHT: metrics.running,
        Signal.WAITING: metrics.waiting,
        Signal.KV_CACHE: metrics.kv_cache_usage,
        Signal.TOKENS_IN_FLIGHT: metrics.kv_cache_usage,
        Signal.TIME_TO_FIRST_TOKEN: metrics.first_token,
    }
    return tuple(signal for signal, metric in there.items() if metric)


def preferred(metrics: Metrics) -> Signal | None:
    """What a model of the engine is scaled on where nobody says; None for one that exports nothing."""
    return next((signal for signal in PREFERRED if signal in offered(metrics)), None)
