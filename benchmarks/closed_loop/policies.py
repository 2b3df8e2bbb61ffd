"""The ways to scale that are compared, each as the simulation's choice and as an autoscaler. Pure; imports its room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.closed_loop import objects
from benchmarks.closed_loop.objects import Object
from substrate.simulate.choices import Choice, Target
from substrate.simulate.metrics import CPU

# As in reference/performance.md 3.3: the trace needs two or three replicas, and eight is what the pool has.
LEAST, MOST = 1, 8
STATIC = 3
BEHAVIOUR: dict[str, Any] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    },
}


@dataclass(frozen=True)
class Policy:
    """One way to scale. `key` names it on the command line; `cores` is what a pod requests."""

    key: str
    choice: Choice
    cores: float = 4.0

    @property
    def name(self) -> str:
        return self.choice.name

    def autoscaler(self) -> Object | None:
        """In real time; None for a fixed number."""
        if not self.choice.targets:
            return None
        (first, *_) = self.choice.targets
        if first.signal == CPU:
            return objects.cpu_autoscaler(int(first.target), LEAST, MOST, BEHAVIOUR)
        return objects.external_autoscaler(self.choice.targets, LEAST, MOST, BEHAVIOUR)


def _scaled(key: str, name: str, *targets: Target, cores: float = 4.0) -> Policy:
    return Policy(key, Choice(name, LEAST, MOST, targets), cores)


POLICIES = (
    Policy("static", Choice(f"static, {STATIC}", STATIC, STATIC)),
    _scaled("cpu", "CPU 80 % of 4 cores", Target(CPU, 80, cores=4)),
    _scaled("waiting", "waiting 5", Target("waiting", 5)),
    _scaled("inFlight", "in flight 16, waiting 5", Target("inFlight", 16), Target("waiting", 5)),
    _scaled("cpu1", "CPU 80 % of 1 core", Target(CPU, 80, cores=1), cores=1.0),
)
