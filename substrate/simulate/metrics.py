"""What is measured of the pods, and when: engines by scrapes, the CPU by metrics-server. Imports its room and facts.

Prometheus keeps the last scrape of each pod and KEDA asks it whenever the autoscaler does, so a value is up to one
interval old.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from substrate.facts.signals import Signal
from substrate.simulate.autoscaler import PodMetric
from substrate.simulate.engine import Replica

# metrics-server's --metric-resolution; a sample is the mean between two of its reads.
RESOLUTION = 15.0
# What a pod's CPU does while its GPU computes: the engine's loop spins on one core, and each token of an answer is
# detokenised and sent (reference/performance.md 3.3; a parameter until it is measured on a GPU).
SPIN = 1.0
FRONTEND = 60e-6
# How far back the 95th percentile of the time to the first token looks.
RATE_WINDOW = 60.0
# Of a Resource metric, which no stack of ours scales on: beside the signals of a stack file.
CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Scrape:
    """One pod's metrics at one time. `kv_share` is 0 to 1, `gpu` percent of the time since the scrape before."""

    at: float
    running: int
    waiting: int
    kv_share: float
    kv_tokens: int
    gpu: float
    busy: float


def scrape(replica: Replica, now: float, before: Scrape | None) -> Scrape:
    """What the engine says now. It must have been advanced to `now`."""
    busy = replica.busy_until(now)
    passed = now - before.at if before else 0.0
    used = 100 * (busy - before.busy) / passed if before and passed else 0.0
    return Scrape(now, replica.running, replica.waiting, replica.kv_share, replica.kv_used, used, busy)


_OF_SCRAPE: dict[str, Callable[[Scrape], float]] = {
    Signal.IN_FLIGHT: lambda scrape: scrape.running + scrape.waiting,
    Signal.WAITING: lambda scrape: scrape.waiting,
    Signal.KV_CACHE: lambda scrape: scrape.kv_share,
    Signal.TOKENS_IN_FLIGHT: lambda scrape: scrape.kv_tokens,
    Signal.GPU: lambda scrape: scrape.gpu,
}


@dataclass(frozen=True, slots=True)
class CpuRead:
    """A counter as metrics-server reads it, and the mean of the time before."""

    at: float
    seconds: float
    cores: float | None = None
    window: float = 0.0


def cpu_read(replica: Replica, now: float, before: CpuRead | None) -> CpuRead:
    """Seconds of CPU that the pod has used; the mean is there from the second read on."""
    seconds = SPIN * replica.busy_until(now) + FRONTEND * replica.generated
    if before is None or now <= before.at:
        return CpuRead(now, seconds)
    window = now - before.at
    return CpuRead(now, seconds, (seconds - before.seconds) / window, window)


def pod_metric(
    read: CpuRead | None, started: float, ready_since: float | None, window: float | None = None
) -> PodMetric:
    if read is None:
        return PodMetric(None, started, ready_since)
    return PodMetric(read.cores, started, ready_since, read.at, read.window if window is None else window)


def summed(signal: str, scrapes: Sequence[Scrape]) -> float:
    """A signal of the stack's over all pods that are scraped. Raises KeyError for one that is not scraped."""
    return sum(_OF_SCRAPE[signal](each) for each in scrapes)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of them does not exceed, nearest rank; 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1))] if ranked else 0.0
