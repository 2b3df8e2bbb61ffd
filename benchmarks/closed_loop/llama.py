"""The loop with a real engine: llama-server in pods, and a small load that fills its slots. Imports its room.

The engine and its load are in real time; the autoscaler's period and windows stay those of the compressed cluster, so
that what is waited for is the engine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.closed_loop import objects
from benchmarks.closed_loop.objects import Object
from benchmarks.closed_loop.policies import BEHAVIOUR
from cluster import tools
from substrate.simulate.choices import Choice, Target
from substrate.simulate.trace import COLUMNS

MODEL, SLOTS = "smollm2-135m.gguf", 4
CHOICE = Choice(f"llama-server, in flight {SLOTS}", 1, 2, (Target("inFlight", SLOTS),))
# (seconds, requests a second): what one thread answers with ease, more than it can, and the first again.
PHASES = ((15.0, 0.3), (60.0, 2.0), (60.0, 0.3))
SECONDS = sum(seconds for seconds, _ in PHASES)
_PROMPT, _ANSWER = 40, 64  # tokens


def engines() -> Object:
    return objects.llama_servers(CHOICE.least, tools.ensure([MODEL])[MODEL], SLOTS)


def autoscaler() -> Object:
    return objects.external_autoscaler(CHOICE.targets, CHOICE.least, CHOICE.most, BEHAVIOUR, "llama.cpp")


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
