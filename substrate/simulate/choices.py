"""How replicas may be set: a fixed number, or by metrics. Imports its room and facts."""

from __future__ import annotations

from dataclasses import dataclass

from substrate.facts.signals import Signal
from substrate.simulate.autoscaler import Behaviour
from substrate.simulate.metrics import CPU

KUBERNETES = Behaviour()


@dataclass(frozen=True, slots=True)
class Target:
    """One metric and what it should be for each replica; `average` False: what it should be, whatever the replicas.

    `cores` is what a pod requests, for `cpu` alone: its target is percent of that.
    """

    signal: str
    target: float
    average: bool = True
    cores: float = 0.0


@dataclass(frozen=True, slots=True)
class Wake:
    """How a model at zero comes back: `idle` seconds without a request bring it there, `delay` until it is noticed.

    `target` requests for each replica, those that are held included, is what the waker itself scales on; 0: nothing.
    """

    idle: float = 300.0
    delay: float = 1.0
    target: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to scale between `least` and `most`; without targets it stays at `least`."""

    name: str
    least: int
    most: int
    targets: tuple[Target, ...] = ()
    behaviour: Behaviour = KUBERNETES
    wake: Wake | None = None


def comparison(least: int, most: int) -> tuple[Choice, ...]:
    """What the field does, side by side; the CPU setting that reacts among them."""
    floor = max(1, least)

    def by(name: str, *targets: Target) -> Choice:
        return Choice(name, floor, most, targets)

    in_flight, waiting = Target(Signal.IN_FLIGHT, 16), Target(Signal.WAITING, 5)
    return (
        Choice(f"static, {floor}", floor, floor),
        Choice(f"static, {most}", most, most),
        by("CPU 80 % of 4 cores", Target(CPU, 80, cores=4)),
        by("CPU 80 % of 1 core", Target(CPU, 80, cores=1)),
        by("waiting 5", waiting),
        by("in flight 16", in_flight),
        by("in flight 16, waiting 4", in_flight, Target(Signal.WAITING, 4)),
    )
