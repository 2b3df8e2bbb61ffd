"""A new version of a model starts, and the old one answers until it has. Imports the rule and the resources."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policies.resources.plain import mapping, text, whole
from policies.resources.pods import KSERVE_GROUP
from policies.resources.pools import not_told, pool_name
from policies.resources.running import INFERENCE_SERVICE, LLM_INFERENCE_SERVICE, Running
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Flaw, NotApplicable, Severity, stack_rule
from policies.rules.pools import asks_for_gpus

WHY_SURGE = (
    "the rollout starts a new replica before it takes an old one away, and there is no GPU for it: the new one stays "
    "Pending and the update never ends"
)
WHY_RECREATE = (
    "all replicas are taken away before the first new one starts: the model answers nothing for a whole cold start, "
    "at every update"
)
LINK = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy"
_API_DEFAULT = "25%"
_KSERVE_MODE = "serving.kserve.io/deploymentMode"
_MODES_OF_DEPLOYMENTS = ("Standard", "RawDeployment")


@dataclass(frozen=True)
class Strategy:
    """How pods are replaced: where it is written, whether all go first, and the two numbers for so many replicas."""

    path: str
    recreate: bool
    surge: str
    unavailable: str

    def waits_for_room(self, replicas: int) -> bool:
        """Whether no old pod goes before a new one is ready. The surge is rounded up, the other down."""
        surge = _of(self.surge, replicas, math.ceil)
        # With both at 0 the API allows one old pod to go.
        return not self.recreate and surge > 0 and _of(self.unavailable, replicas, math.floor) == 0


@stack_rule("surge-without-room", Severity.HIGH, WHY_SURGE, LINK)
def surge_without_room(subject: Subject, stack: Stack) -> Iterator[Flaw | NotApplicable]:
    """A rollout that waits for a GPU which the pool has not got. With maxUnavailable above 0 it goes on without one."""
    if not asks_for_gpus(subject) or subject.obj.patch or not subject.served:
        return
    waiting = [
        (strategy, one)
        for one in stack.running(subject)
        if one.gpus and (strategy := _strategy(subject, one)) and strategy.waits_for_room(max(1, one.replicas))
    ]
    pool = stack.pools.get(pool_name(subject) or "") if waiting else None
    if waiting and (pool is None or pool.gpus is None):
        yield NotApplicable(not_told(subject))
    for strategy, one in waiting:
        # A pool that cannot even hold them all is beyond-the-pool's to tell of.
        if pool and pool.gpus is not None and 0 <= pool.gpus - pool.held < one.gpus:
            yield Flaw(
                f"{strategy.path} has maxSurge {strategy.surge}, maxUnavailable {strategy.unavailable}, and pool "
                f"{pool.name} has {pool.gpus - pool.held} of its {pool.gpus} GPUs free of the {one.gpus} for a replica",
                f"set {strategy.path} to maxSurge: 0 and maxUnavailable: 1, or leave room for one replica in the pool",
            )


@stack_rule("recreate-hot", Severity.HIGH, WHY_RECREATE, LINK)
def recreate_hot(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """Strategy Recreate of a hot model that has replicas enough to be replaced one by one."""
    if subject.obj.kind not in ("Deployment", INFERENCE_SERVICE) or not subject.hot or not subject.served:
        return
    for one in stack.running(subject):
        strategy = _strategy(subject, one)
        if strategy and strategy.recreate and one.replicas >= 2:
            yield Flaw(
                f"{strategy.path}.type is Recreate with {one.replicas} replicas (hot: {subject.hot.why})",
                f"set {strategy.path} to RollingUpdate with maxSurge: 0 and maxUnavailable: 1",
            )


RULES = (surge_without_room, recreate_hot)


def _strategy(subject: Subject, running: Running) -> Strategy | None:
    """How the pods are replaced, None where that is not a Deployment's to say (Knative, StatefulSets, groups)."""
    obj = subject.obj
    if obj.kind == "Deployment":
        return _read(obj.spec.get("strategy"), "spec.strategy")
    if obj.group == KSERVE_GROUP and obj.kind == INFERENCE_SERVICE:
        component = mapping(obj.spec.get(running.part))
        standard = text(obj.annotations.get(_KSERVE_MODE)) in _MODES_OF_DEPLOYMENTS
        path = f"spec.{running.part}.deploymentStrategy"
        return _read(component.get("deploymentStrategy"), path) if standard else None
    if obj.group == KSERVE_GROUP and obj.kind == LLM_INFERENCE_SERVICE and "worker" not in obj.spec:
        return _read({"rollingUpdate": obj.spec.get("rolloutStrategy")}, "spec.rolloutStrategy")
    return None


def _read(written: Any, path: str) -> Strategy:
    strategy = mapping(written)
    update = mapping(strategy.get("rollingUpdate"))
    surge, unavailable = (text(update.get(key)) or _API_DEFAULT for key in ("maxSurge", "maxUnavailable"))
    return Strategy(path, text(strategy.get("type")) == "Recreate", surge, unavailable)


def _of(amount: str, replicas: int, rounded: Any) -> int:
    """A number, or a percentage of the replicas."""
    if not amount.endswith("%"):
        return whole(amount) or 0
    return int(rounded((whole(amount.removesuffix("%")) or 0) * replicas / 100))
