"""What is planned of scaling and of what observes it. Values only; imports substrate's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from substrate.values import Duration

KEDA, PROMETHEUS_ADAPTER, KNATIVE = "keda", "prometheus-adapter", "knative"


@dataclass(frozen=True)
class MonitoringPlan:
    """The Prometheus that observes a stack: its URL inside the cluster, and where its rules and dashboards go.

    `labels` are those by which it selects monitors and rules, `runbooks` is what alerts' links begin with.
    """

    prometheus: str
    namespace: str
    labels: Mapping[str, str]
    runbooks: str
    dashboards: bool


@dataclass(frozen=True)
class SignalPlan:
    """One thing that a server is scaled on.

    `query` is PromQL with one sample over all its pods, `metric` the name of the same with prometheus-adapter's rules.
    `target` is what one replica is to have of it, the query's value divided by the replicas; where `average` is False,
    what the value itself is to be, as of a latency. `adapted` is the target of `metric` where that has another unit.
    """

    name: str
    metric: str
    query: str
    target: float
    average: bool
    adapted: float


@dataclass(frozen=True)
class BehaviourPlan:
    """How fast replicas come and go.

    At most `up_pods`, or `up_percent` of those that are there, whichever is more, within `up_period`; one goes when it
    was needed at no moment of `down_window`. `idle` is how long nobody asks until the last one goes too, None where it
    stays.
    """

    up_pods: int
    up_percent: int
    up_period: Duration
    down_window: Duration
    idle: Duration | None = None


@dataclass(frozen=True)
class WakePlan:
    """What wakes a server at zero: the HTTP add-on's proxy, which holds requests for `held` at most.

    `namespace`, `service` and `port` say where it is, `scaler` where KEDA hears what it holds. A request that was held
    in vain goes to `starting_host` and `starting_port`, which say so. A server goes to zero after `idle` without a
    request. `first_request` is how long the first one is predicted to wait until a ready engine gets it; `target` are
    the requests of a replica.
    """

    namespace: str
    service: str
    port: int
    scaler: str
    starting_host: str
    starting_port: int
    idle: Duration
    held: Duration
    first_request: Duration
    target: int


@dataclass(frozen=True)
class ScalingPlan:
    """What moves a server's replicas between `min` and `max`: the larger wish of `signals`.

    `through` is KEDA, PROMETHEUS_ADAPTER, or KNATIVE, which counts requests itself and asks no Prometheus. `series` are
    the labels by which the server's series are told from others' in its namespace.
    """

    through: str
    prometheus: str | None
    series: Mapping[str, str]
    signals: tuple[SignalPlan, ...]
    min: int
    max: int
    behaviour: BehaviourPlan
    wake: WakePlan | None
