"""A server's plan as a simulation takes it: what a trace meets, and the stack's own way to scale. Imports the plan."""

from __future__ import annotations

from dataclasses import dataclass

from substrate.facts.signals import Signal
from substrate.plan.scaling import KNATIVE, BehaviourPlan, ScalingPlan, SignalPlan
from substrate.plan.types import ServerPlan
from substrate.simulate.autoscaler import Behaviour
from substrate.simulate.choices import KUBERNETES, Choice, Target, Wake
from substrate.simulate.engine import Speed
from substrate.simulate.run import Setting

_WORDS = {
    Signal.IN_FLIGHT: "in flight",
    Signal.WAITING: "waiting",
    Signal.KV_CACHE: "KV cache",
    Signal.TOKENS_IN_FLIGHT: "tokens in flight",
    Signal.TIME_TO_FIRST_TOKEN: "first token",
    Signal.GPU: "GPU use",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    least: int
    most: int


def setting(server: ServerPlan, speed: Speed, context: int, cold_start: float | None) -> Setting:
    """`cold_start` in place of the plan's where it is given."""
    expected = float(server.startup.expected) if cold_start is None else cold_start
    return Setting(speed, context, expected, grace=float(server.grace))


def own(server: ServerPlan, bounds: Bounds) -> Choice:
    """The stack's own way to scale, within other bounds where somebody wrote them.

    Raises ValueError where what scales it is not simulated.
    """
    scaling = server.scaling
    if scaling is None:
        return Choice(f"the stack: {bounds.least}, no scaler", bounds.least, bounds.least)
    if scaling.through == KNATIVE:
        raise ValueError(f"`{server.name}` is scaled by Knative's own autoscaler, which is not simulated")
    targets = tuple(_target(signal, server.resources.gpus) for signal in scaling.signals)
    said = ", ".join(map(_words, scaling.signals))
    behaviour = _behaviour(scaling.behaviour)
    return Choice(f"the stack: {said}", bounds.least, bounds.most, targets, behaviour, _wake(server, scaling))


def _target(signal: SignalPlan, gpus: int) -> Target:
    """The plan's GPU use is that of a replica's GPUs together, the simulation's their mean."""
    target = signal.target / max(1, gpus) if signal.name == Signal.GPU else signal.target
    return Target(signal.name, target, signal.average)


def _words(signal: SignalPlan) -> str:
    return f"{_WORDS[Signal(signal.name)]} {signal.target:g}"


def _behaviour(plan: BehaviourPlan) -> Behaviour:
    return Behaviour(
        up_pods=plan.up_pods,
        up_percent=plan.up_percent,
        up_period=float(plan.up_period),
        up_window=KUBERNETES.up_window,
        down_window=float(plan.down_window),
    )


def _wake(server: ServerPlan, scaling: ScalingPlan) -> Wake | None:
    wake = scaling.wake
    if wake is None:
        return None
    return Wake(float(wake.idle), wake.first_request - server.startup.expected, wake.target)
