"""Hot models keep their replicas, on every path by which replicas are set. Imports the rule and the resources.

Every place that can lower the count of replicas is read as a `Count`, and each must reach the floor: the pack's
hotMinReplicas or the workload's annotation substrate.dev/min-replicas, whichever is more.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.cel import DEPLOYMENT, KNATIVE, STATEFUL_SET, Validation, quoted
from policies.cel import HPA as CEL_HPA
from policies.cel import SCALED_OBJECT as CEL_SCALED_OBJECT
from policies.resources.replicas import KEDA_PAUSED, KNATIVE_FLOORS, REPLICATED, Count, counts, takes_scaler
from policies.resources.scalers import is_scaler
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.tier import Hot, highest
from policies.rule import Flaw, Severity, rule, stack_rule

WHY = (
    "a hot model must answer its first request at once; below its floor that request waits for a whole cold start, "
    "minutes of reading weights, or fails"
)
LINK = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas"


def _knative_floor() -> str:
    written = " : ".join(
        f"{quoted(name)} in variables.podAnnotations ? int(variables.podAnnotations[{quoted(name)}])"
        for name in KNATIVE_FLOORS
    )
    return f"{written} : 0"


_ONLY_LONG_TAIL = "set it to at least the floor; only tier longTail may go to zero"
CEL = (
    Validation(
        (DEPLOYMENT, STATEFUL_SET),
        # The server writes 1 where nothing is written, and that may be a scaler's to raise: 1 is the pack's to judge.
        "!variables.hot || object.spec.replicas >= variables.floor || object.spec.replicas == 1",
        "spec.replicas of a hot model is below its floor",
        f"{_ONLY_LONG_TAIL}, or leave it out where a scaler owns it",
    ),
    Validation(
        (CEL_HPA,),
        "!variables.hot || object.spec.?minReplicas.orValue(1) >= variables.floor",
        "spec.minReplicas of a hot model's scaler is below its floor",
        _ONLY_LONG_TAIL,
    ),
    Validation(
        (CEL_SCALED_OBJECT,),
        "!variables.hot || (object.spec.?minReplicaCount.orValue(0) >= variables.floor"
        " && object.spec.?idleReplicaCount.orValue(variables.floor) >= variables.floor"
        f" && int(variables.annotations[?{quoted(KEDA_PAUSED)}].orValue(string(variables.floor))) >= variables.floor)",
        "minReplicaCount, idleReplicaCount or the pause of a hot model's scaler is below its floor",
        f"{_ONLY_LONG_TAIL}, and take idleReplicaCount and the pause away",
    ),
    Validation(
        (KNATIVE,),
        f"!variables.hot || ({_knative_floor()}) >= variables.floor",
        f"{KNATIVE_FLOORS[0]} of a hot model is below its floor",
        _ONLY_LONG_TAIL,
    ),
)


@rule("hot-floor", Severity.HIGH, WHY, LINK, cel=CEL)
def hot_floor(subject: Subject) -> Iterator[Flaw]:
    """A count below the floor, as far as the object shows it alone: a default may be a scaler's."""
    if counts(subject.obj) and subject.hot:
        yield from (_flaw(count, subject, subject.hot) for count in _alone(subject, subject.hot))


@stack_rule("hot-floor-in-stack", Severity.HIGH, WHY, LINK)
def hot_floor_in_stack(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """What only scaler and workload together show; what each shows alone is `hot-floor`'s."""
    if is_scaler(subject.obj):
        yield from _of_scaler(subject, stack)
    elif takes_scaler(subject.obj) and subject.hot:
        yield from _without_scaler(subject, subject.hot, stack)


RULES = (hot_floor, hot_floor_in_stack)


def _of_scaler(scaler: Subject, stack: Stack) -> Iterator[Flaw]:
    own = scaler.hot
    told = _alone(scaler, own) if own else []
    for workload in stack.workloads_of(scaler) if counts(scaler.obj) else []:
        joined = _joined(own, workload)
        for count in _alone(scaler, joined) if joined else []:
            if joined and count not in told:
                yield _flaw(count, scaler, joined)


def _without_scaler(workload: Subject, hot: Hot, stack: Stack) -> Iterator[Flaw]:
    """A workload's default count, where nothing scales it."""
    defaults = [count for count in _below(workload, hot) if count.default]
    if defaults and not stack.scalers_of(workload):
        yield from (_flaw(count, workload, hot) for count in defaults)


def _joined(own: Hot | None, workload: Subject) -> Hot | None:
    """A scaler of a hot workload is hot too; the higher floor of the two holds."""
    driven = workload.hot
    if driven is None:
        return own
    floors = [driven.floor, *([own.floor] if own else [])]
    return Hot(f"{workload} has {driven.why}", highest(floors))


def _alone(subject: Subject, hot: Hot) -> list[Count]:
    """The counts below the floor that no scaler can raise."""
    return [count for count in _below(subject, hot) if not (count.default and takes_scaler(subject.obj))]


def _below(subject: Subject, hot: Hot) -> list[Count]:
    return [count for count in counts(subject.obj) if count.replicas < hot.floor.replicas]


def _flaw(count: Count, subject: Subject, hot: Hot) -> Flaw:
    least = f"at least {hot.floor.replicas}"
    told = f"{count}, and a hot model keeps {least} (hot: {hot.why}; floor: {hot.floor.source})"
    return Flaw(told, _fix(count, subject, least))


def _fix(count: Count, subject: Subject, least: str) -> str:
    if count.path.endswith("idleReplicaCount") or KEDA_PAUSED in count.path:
        return f"remove {count.path}: it goes below the floor"
    alternative = ", or leave it out where a scaler of this stack owns it" if subject.obj.kind in REPLICATED else ""
    return f"set {count.path} to {least}{alternative}; only tier longTail may go to zero"
