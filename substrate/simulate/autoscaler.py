"""The HorizontalPodAutoscaler's rule, as the controller of Kubernetes 1.36 computes it. Imports the standard library.

Source: pkg/controller/podautoscaler (replica_calculator.go, horizontal.go) and kubernetes.io/docs, "Algorithm details".
A wish is the number of replicas that one metric asks for; `Autoscaler` makes one decision of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

# --horizontal-pod-autoscaler-sync-period, -tolerance and -cpu-initialization-period.
SYNC = 15.0
TOLERANCE = 0.1
CPU_INITIALIZATION = 300.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`spec.behavior`; the defaults are Kubernetes'. Of the ways to add or take replicas the larger change wins.

    At most `up_pods` or `up_percent` of the replicas come within `up_period` seconds, and `down_percent` go within
    `down_period`, or `down_pods` where that is set. A window is how far back it looks for a calmer wish.
    """

    up_pods: int = 4
    up_percent: int = 100
    up_period: float = 15.0
    up_window: float = 0.0
    down_pods: int = 0
    down_percent: int = 100
    down_period: float = 15.0
    down_window: float = 300.0


@dataclass(frozen=True, slots=True)
class PodMetric:
    """What is known of one pod that is not being deleted: `value` is None where its metric is missing.

    `ready_since` is None while it is not ready; `sampled` is the end of the window of `window` seconds that a resource
    metric is the mean of.
    """

    value: float | None
    started: float
    ready_since: float | None
    sampled: float = 0.0
    window: float = 0.0


def within(ratio: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a ratio of what is to what should be calls for no change."""
    return abs(1.0 - ratio) <= tolerance + 1e-12


def external_wish(usage: float, target: float, replicas: int) -> int:
    """External metric, AverageValue (KEDA's way): all of it, over the replicas there are, ready or not."""
    milli_usage, milli_target = int(usage * 1000), int(target * 1000)
    if replicas and within(milli_usage / (milli_target * replicas)):
        return replicas
    return ceil(milli_usage / milli_target)


def value_wish(usage: float, target: float, replicas: int, ready: int) -> int:
    """External metric, Value: what the number itself should be, whatever the replicas; a latency, say."""
    ratio = int(usage * 1000) / int(target * 1000)
    if not replicas:
        return ceil(ratio)
    return replicas if within(ratio) else ceil(ratio * ready)


def pods_wish(pods: Sequence[PodMetric], target: float, replicas: int) -> int:
    """Pods metric: the mean over the pods that have it, those without counted so that they never push."""
    known = [pod.value for pod in pods if pod.value is not None]
    missing = len(pods) - len(known)
    return _rebalanced(known, missing, 0, target, replicas, of_missing=target)


def cpu_wish(pods: Sequence[PodMetric], target: int, request: float, replicas: int, now: float) -> int:
    """CPU utilisation: cores used over cores requested, in whole percent; `target` is percent, `request` cores a pod.

    A pod that is not ready, or was not for all of its sample while it is young, counts as idle when scaling up and not
    at all when scaling down.
    """
    sampled = [pod for pod in pods if pod.value is not None]
    unready = [pod for pod in sampled if _unready(pod, now)]
    known = [100 * pod.value / request for pod in sampled if pod not in unready and pod.value is not None]
    missing = len(pods) - len(sampled)
    return _rebalanced(known, missing, len(unready), target, replicas, of_missing=max(100, target), whole=True)


def _unready(pod: PodMetric, now: float) -> bool:
    """Within the CPU initialisation period a sample counts once its whole window is after readiness."""
    if pod.started + CPU_INITIALIZATION > now:
        return pod.ready_since is None or pod.sampled < pod.ready_since + pod.window
    # One that has never been ready: its condition is as old as itself.
    return pod.ready_since is None


def _rebalanced(
    known: Sequence[float],
    missing: int,
    unready: int,
    target: float,
    replicas: int,
    of_missing: float,
    whole: bool = False,
) -> int:
    """`calcPlainMetricReplicas`: the ratio of the mean to the target; counted again where pods tell nothing."""

    def ratio(values: Sequence[float]) -> float:
        mean = sum(values) / len(values)
        return (int(mean) if whole else mean) / target

    if not known:
        return replicas
    first = ratio(known)
    rebalance = unready > 0 and first > 1.0
    if not rebalance and not missing:
        return replicas if within(first) else ceil(first * len(known) - 1e-9)
    assumed = of_missing if first < 1.0 else 0.0
    values = [*known, *([assumed] * missing), *([0.0] * unready if rebalance else [])]
    again = ratio(values)
    if within(again) or (first < 1.0 < again) or (again < 1.0 < first):
        return replicas
    wish = ceil(again * len(values) - 1e-9)
    return replicas if (again < 1.0 and wish > replicas) or (again > 1.0 and wish < replicas) else wish


@dataclass(slots=True)
class Autoscaler:
    """What it remembers between two decisions: past wishes, and its own changes. The largest wish counts."""

    least: int
    most: int
    behaviour: Behaviour = field(default_factory=Behaviour)
    _wishes: list[tuple[float, int]] = field(default_factory=list)
    # (when, how many came; went where negative)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    def decide(self, replicas: int, wishes: Sequence[int], now: float) -> int:
        """The replicas that it sets now. Without a wish, as when no metric can be had, nothing changes."""
        if not self._wishes:
            self._wishes.append((now, replicas))
        if not wishes:
            return replicas
        steady = self._stabilised(replicas, max(wishes), now)
        decided = self._limited(replicas, steady, now)
        if decided != replicas:
            self._changes.append((now, decided - replicas))
        return decided

    def _stabilised(self, replicas: int, wish: int, now: float) -> int:
        """The least of recent wishes bounds going up, the largest of them going down."""
        rules = self.behaviour
        up = min([wish, *(old for at, old in self._wishes if at > now - rules.up_window)])
        down = max([wish, *(old for at, old in self._wishes if at > now - rules.down_window)])
        longest = max(rules.up_window, rules.down_window)
        self._wishes = [(at, old) for at, old in self._wishes if at > now - longest]
        self._wishes.append((now, wish))
        return min(max(replicas, up), down)

    def _limited(self, replicas: int, wish: int, now: float) -> int:
        rules = self.behaviour
        if wish > replicas:
            before = replicas - self._changed(now - rules.up_period)
            limit = max(before + rules.up_pods, ceil(before * (1 + rules.up_percent / 100)))
            return min(wish, self.most, max(limit, replicas))
        if wish < replicas:
            before = replicas - self._changed(now - rules.down_period)
            lowest = min(
                int(before * (1 - rules.down_percent / 100)) if rules.down_percent else before,
                before - rules.down_pods,
            )
            return max(wish, self.least, min(lowest, replicas))
        return min(max(replicas, self.least), self.most)

    def _changed(self, since: float) -> int:
        return sum(change for at, change in self._changes if at > since)
