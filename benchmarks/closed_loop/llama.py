"""The loop with a real engine: llama-server in pods, and a small load that fills its slots. Imports its room.

The engine and its load are in real time; the autoscaler's period and windows stay those of the compressed cluster, so
that what is waited for is the engine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.closed_loop import objects, policies
from benchmarks.closed_loop.objects import Object
from benchmarks.closed_loop.policies import Policy
from cluster import tools
from substrate.plan import ServerPlan
from substrate.simulate.trace import COLUMNS

KEY, MODEL, SLOTS = "llama", "smollm2-135m.gguf", 4
# (seconds, requests a second): what one thread answers with ease, more than it can, and the first again.
PHASES = ((15.0, 0.3), (60.0, 2.0), (60.0, 0.3))
SECONDS = sum(seconds for seconds, _ in PHASES)
_PROMPT, _ANSWER = 40, 64  # tokens


def policy() -> Policy:
    """As Substrate scales it: in flight as many as it has slots, and what waits."""
    found = policies.planned(KEY, "llama.cpp", 1, 2, metric="inFlight", target=SLOTS)
    return replace(found, choice=replace(found.choice, name=f"llama-server, {found.choice.name}"))


def engines(server: ServerPlan) -> Object:
    return objects.llama_servers(server, 1, tools.ensure([MODEL])[MODEL], SLOTS)


def write_trace(path: Path) -> Path:
    """Poisson arrivals of requests that are all alike; the same ones each time."""
    lines = [",".join(COLUMNS), *(f"{at:.3f},{_PROMPT},{_ANSWER}" for at in _arrivals(random.Random(1)))]
    path.write_text("\n".join(lines) + "\n")
    return path


def _arrivals(lots: random.Random) -> Iterator[float]:
    yield 0.0
    begin = 0.0
    for seconds, rate in PHASES:
        at = begin + lots.expovariate(rate)
        while at < begin + seconds:
            yield at
            at += lots.expovariate(rate)
        begin += seconds
