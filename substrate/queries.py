"""PromQL of what scalers, rules and dashboards ask alike, from the engines' facts. Pure; imports the facts only.

Series are told apart by what a PodMonitor gives them: `namespace`, `pod`, and the pod's labels `substrate.dev/<label>`
as `substrate_dev_<label>`. Each function answers None where the engine exports no such thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from substrate.facts.bentoml import BENTOML
from substrate.facts.bentoml import METRICS as BENTO_METRICS
from substrate.facts.engines import ENGINES, Metric, MetricKind, Metrics
from substrate.facts.signals import Signal

# What is scraped every 15 to 30 seconds has two samples in any minute.
RATE_WINDOW = "1m"
# DCGM's, which knows pods and not their labels: of the GPUs that a pod holds, how busy each is, 0 to 100.
GPU_USE = "DCGM_FI_DEV_GPU_UTIL"


@dataclass(frozen=True, slots=True)
class Pods:
    """Whose series are asked for, by label; `by` are the labels that the answer keeps, none for one sample."""

    matchers: Mapping[str, str] = field(default_factory=dict)
    by: Sequence[str] = ()

    def __str__(self) -> str:
        written = ",".join(f'{label}="{value}"' for label, value in self.matchers.items())
        return f"{{{written}}}" if written else ""

    def kept(self, *more: str) -> str:
        """The aggregation's clause; `more` are labels that it keeps beside."""
        labels = [*more, *self.by]
        return f" by ({', '.join(labels)}) " if labels else ""


def pod_label(name: str) -> str:
    """A pod's label `substrate.dev/<name>` as Prometheus writes it."""
    return f"substrate_dev_{name}"


def adapted(engine: str, signal: Signal) -> str:
    """What prometheus-adapter's rules call a signal of an engine's: one name, one rule."""
    return f"substrate_{engine}_{signal.name.lower()}"


def metrics_of(engine: str) -> Metrics:
    """Raises KeyError for an engine that nobody has read."""
    return BENTO_METRICS if engine == BENTOML else ENGINES[engine].metrics


def running(metrics: Metrics, pods: Pods) -> str | None:
    """Requests that are being computed."""
    return _sum(metrics.running, pods)


def waiting(metrics: Metrics, pods: Pods) -> str | None:
    """Requests that no replica has begun."""
    return _sum(metrics.waiting, pods)


def in_flight(metrics: Metrics, pods: Pods) -> str | None:
    """Requests that are computed or wait; of an engine that counts both as one, that."""
    computed, queued = running(metrics, pods), waiting(metrics, pods)
    return " + ".join(part for part in (computed, queued) if part) if computed else None


def kv_cache(metrics: Metrics, pods: Pods) -> str | None:
    """KV caches in use, each 0 to 1, together: of one replica its fullest, where it has several."""
    if metrics.kv_cache_usage is None:
        return None
    return f"sum{pods.kept()}(max{pods.kept('pod')}({metrics.kv_cache_usage.name}{pods}))"


def tokens_in_flight(metrics: Metrics, pods: Pods, capacity: int) -> str | None:
    """Tokens that requests hold in the KV cache. No engine counts them; a replica's cache has room for `capacity`."""
    held = kv_cache(metrics, pods)
    return f"{held} * {capacity}" if held else None


def generated(metrics: Metrics, pods: Pods, window: str = RATE_WINDOW) -> str | None:
    """Tokens of answers, a second."""
    if metrics.generated is None:
        return None
    counted = "_sum" if metrics.generated.kind is MetricKind.HISTOGRAM else ""
    return f"sum{pods.kept()}(rate({metrics.generated.name}{counted}{pods}[{window}]))"


def first_token(metrics: Metrics, pods: Pods, quantile: float = 0.95, window: str = RATE_WINDOW) -> str | None:
    """Seconds from a request to its first token, at a quantile of those that got one within the window."""
    if metrics.first_token is None:
        return None
    buckets = f"rate({metrics.first_token.name}_bucket{pods}[{window}])"
    return f"histogram_quantile({quantile:g}, sum{pods.kept('le')}({buckets}))"


def first_token_or_none(metrics: Metrics, pods: Pods, quantile: float = 0.95, window: str = RATE_WINDOW) -> str | None:
    """The same for a scaler: 0 where nobody was answered, instead of no number; nothing where no pod is."""
    asked = first_token(metrics, pods, quantile, window)
    if asked is None or metrics.first_token is None:
        return None
    return f"({asked} >= 0) or 0 * sum{pods.kept()}({metrics.first_token.name}_count{pods})"


def gpu_use(namespace: str, workload: str) -> str:
    """How busy the GPUs of a workload's pods are, together, each 0 to 100.

    DCGM's exporter names the pod that holds a GPU; where its monitor does not honour labels, Prometheus calls that
    `exported_pod`, and `pod` is the exporter's own.
    """
    pods = f"{workload}-[a-z0-9]+-[a-z0-9]+"
    honoured = f'{GPU_USE}{{namespace="{namespace}",pod=~"{pods}"}}'
    renamed = f'{GPU_USE}{{exported_namespace="{namespace}",exported_pod=~"{pods}"}}'
    return f"sum({honoured} or {renamed})"


def _sum(metric: Metric | None, pods: Pods) -> str | None:
    return f"sum{pods.kept()}({metric.name}{pods})" if metric else None
