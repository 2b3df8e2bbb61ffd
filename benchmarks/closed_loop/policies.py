"""The ways to scale that are compared, each as the simulation's choice and as an autoscaler. Imports its room.

Those that Substrate has are of a stack's plan, targets and speed included; those on CPU, which it refuses, are the same
with another metric.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.closed_loop import objects, stack
from benchmarks.closed_loop.objects import Object
from substrate.plan import ServerPlan
from substrate.plan.scaling import ScalingPlan
from substrate.simulate.autoscaler import Behaviour
from substrate.simulate.choices import Choice, Target
from substrate.simulate.metrics import CPU

# As in reference/performance.md 3.3: the trace needs two or three replicas, and eight is what the pool has.
LEAST, MOST = 1, 8
STATIC = 3
_PERCENT = 80
_WORDS = {"inFlight": "in flight", "waiting": "waiting"}


@dataclass(frozen=True)
class Policy:
    """One way to scale a server. `key` names it on the command line; `cores` is what a pod requests.

    `autoscaler` is in real time, None for a fixed number.
    """

    key: str
    choice: Choice
    server: ServerPlan
    autoscaler: Object | None
    cores: float = 4.0


def planned(key: str, engine: str, least: int, most: int, **block: object) -> Policy:
    """As Substrate scales a model of that engine with that block of `scaling`."""
    (server,) = stack.plan(engine, least, most, **block).servers
    assert server.scaling is not None
    signals = server.scaling.signals
    name = ", ".join(f"{_WORDS[signal.name]} {signal.target:g}" for signal in signals)
    targets = tuple(Target(signal.name, signal.target, signal.average) for signal in signals)
    choice = Choice(name, least, most, targets, behaviour(server.scaling))
    return Policy(key, choice, server, objects.autoscaler(server))


def behaviour(scaling: ScalingPlan) -> Behaviour:
    """How fast it goes, as the simulation has it."""
    rules = scaling.behaviour
    return Behaviour(
        up_pods=rules.up_pods, up_percent=rules.up_percent, up_period=rules.up_period, down_window=rules.down_window
    )


def cpu(key: str, cores: float, like: Policy) -> Policy:
    """By the use of the CPU, otherwise as another."""
    unit = "core" if cores == 1 else "cores"
    name, target = f"CPU {_PERCENT} % of {cores:g} {unit}", Target(CPU, _PERCENT, cores=cores)
    choice = Choice(name, LEAST, MOST, (target,), like.choice.behaviour)
    return Policy(key, choice, like.server, objects.cpu_autoscaler(like.server, _PERCENT), cores)


def compared() -> tuple[Policy, ...]:
    """All of them, in the order of their runs."""
    waiting = planned("waiting", "vllm", LEAST, MOST, metric="waiting", target=5)
    in_flight = planned("inFlight", "vllm", LEAST, MOST, metric="inFlight", target=16)
    static = Policy("static", Choice(f"static, {STATIC}", STATIC, STATIC), in_flight.server, None)
    return (static, cpu("cpu", 4.0, in_flight), waiting, in_flight, cpu("cpu1", 1.0, in_flight))
