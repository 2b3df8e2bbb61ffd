"""One trace against one way to scale: events in the order of their time. Imports its room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from substrate.facts.signals import Signal
from substrate.simulate import metrics
from substrate.simulate.autoscaler import CPU_INITIALIZATION, SYNC, Autoscaler, cpu_wish, external_wish, value_wish
from substrate.simulate.choices import Choice, Target
from substrate.simulate.engine import Request, Speed
from substrate.simulate.fleet import Fleet, Pod
from substrate.simulate.trace import Trace

# A pod's place in the scrape interval, spread as Prometheus spreads them by a hash: the golden ratio's multiples.
_SPREAD = 0.6180339887498949


class Looks(NamedTuple):
    """When the autoscaler looks: first at that second, then every so many."""

    first: float = SYNC
    every: float = SYNC


ON_TIME = Looks()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a trace meets, however it is scaled. Times are in seconds.

    `context` is the most tokens of one request, `scrape` Prometheus' interval, `sample` that of the result's samples.
    `cpu_window` is for prometheus-adapter, which reads the CPU when it is asked: what it says a read is the mean of.
    None is for metrics-server, which reads at times of its own and means the time since the read before.
    `scraped` are the first scrapes of the pods that are there from the beginning; all others' are spread.
    """

    speed: Speed
    context: int
    cold_start: float
    grace: float = 120.0
    scrape: float = 15.0
    sample: float = 5.0
    cpu_window: float | None = None
    looks: Looks = ON_TIME
    scraped: tuple[float, ...] = ()


class Sample(NamedTuple):
    """The state at one time: replicas asked for, of those the ready ones, and requests."""

    at: float
    replicas: int
    ready: int
    waiting: int
    in_flight: int


@dataclass(slots=True)
class Run:
    """What came of it. `refused` are requests too long for the model, `cut` those of pods whose grace was over.

    `changes` are (time, replicas) from the first on; `end` is when the last request ended.
    """

    choice: Choice
    requests: list[Request]
    refused: int
    cut: list[Request]
    pods: list[Pod]
    changes: list[tuple[float, int]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    end: float = 0.0
    preempted: int = 0

    @property
    def replica_seconds(self) -> float:
        """Of all pods, from their creation until they are gone: starting and draining ones hold their GPUs too."""
        return sum(pod.seconds(self.end) for pod in self.pods)


def simulate(trace: Trace, choice: Choice, setting: Setting, watch: Callable[[float], None] | None = None) -> Run:
    """Replay a trace until its last request has ended. `watch` is told the simulated time with each sample.

    Raises ValueError where nothing would ever answer: no replica, and nothing that wakes one.
    """
    if not choice.least and not choice.wake:
        raise ValueError(f"{choice.name}: no replica, and nothing that wakes one")
    return _Simulation(trace, choice, setting, watch).run()


class _Simulation:
    def __init__(self, trace: Trace, choice: Choice, setting: Setting, watch: Callable[[float], None] | None) -> None:
        self.watch = watch
        self.trace, self.choice, self.setting = trace, choice, setting
        self.fleet = Fleet(setting.speed, setting.cold_start, setting.grace)
        self.autoscaler = Autoscaler(max(1, choice.least), choice.most, choice.behaviour)
        self.requests: list[Request] = []
        self.result = Run(choice, self.requests, 0, self.fleet.cut, self.fleet.pods)
        self.events: list[tuple[float, int, Callable[[float], None]]] = []
        # When a request came last, and when one was last seen in flight.
        self.last_request = self.active = 0.0
        self._order = 0

    def run(self) -> Run:
        self._begin()
        longest = min(self.setting.context, self.setting.speed.kv_tokens)
        for at, context, generated in self.trace.arrivals:
            while self.events[0][0] <= at:
                self._next()
            if context + generated > longest:
                self.result.refused += 1
                continue
            self._arrive(Request(at, context, generated))
        while self.fleet.in_flight:
            self._next()
        return self._ended()

    def _begin(self) -> None:
        for _ in range(self.choice.least):
            self._at(0.0, self._scraper(self.fleet.create(0.0, warm=True)))
        self.result.changes.append((0.0, self.choice.least))
        self._at(0.0, self._sample)
        if self.choice.targets:
            if self.setting.cpu_window is None:
                self._at(metrics.RESOLUTION, self._read_cpu_again)
            self._at(self.setting.looks.first, self._decide)

    def _at(self, time: float, event: Callable[[float], None]) -> None:
        self._order += 1
        heappush(self.events, (time, self._order, event))

    def _next(self) -> None:
        now, _, event = heappop(self.events)
        self.fleet.advance(now)
        event(now)

    def _arrive(self, request: Request) -> None:
        self.last_request = request.arrival
        self.requests.append(request)
        self.fleet.submit(request, request.arrival)
        if self.fleet.held and not self.fleet.asked and self.choice.wake:
            self._scale(1, request.arrival, self.choice.wake.delay)

    def _sample(self, now: float) -> None:
        fleet = self.fleet
        self.result.samples.append(Sample(now, len(fleet.asked), len(fleet.ready), fleet.waiting, fleet.in_flight))
        if self.watch:
            self.watch(now)
        self._at(now + self.setting.sample, self._sample)

    def _scraper(self, pod: Pod) -> Callable[[float], None]:
        """Scrapes one pod while it lives, at its own place in the interval."""
        interval, told = self.setting.scrape, self.setting.scraped
        place = told[pod.number] if pod.number < len(told) else pod.number * _SPREAD % 1 * interval

        def scrape(now: float) -> None:
            if pod.gone <= now:
                pod.scraped = None
                return
            pod.replica.advance(now)
            pod.scraped = metrics.scrape(pod.replica, now, pod.scraped)
            self._at(now + interval, scrape)

        def first(now: float) -> None:
            self._at(now + (place - now) % interval, scrape)

        return first

    def _read_cpu(self, now: float) -> None:
        for pod in self.fleet.ready:
            pod.replica.advance(now)
            pod.cpu = metrics.cpu_read(pod.replica, now, pod.cpu)

    def _read_cpu_again(self, now: float) -> None:
        self._read_cpu(now)
        self._at(now + metrics.RESOLUTION, self._read_cpu_again)

    def _decide(self, now: float) -> None:
        replicas = len(self.fleet.asked)
        if self.setting.cpu_window is not None:
            self._read_cpu(now)
        if replicas and self._is_idle(now):
            self._scale(0, now)
        elif replicas:
            wishes = [self._wish(target, replicas, now) for target in self.choice.targets]
            if self.choice.wake and self.choice.wake.target:
                wishes.append(external_wish(self.fleet.in_flight, self.choice.wake.target, replicas))
            self._scale(self.autoscaler.decide(replicas, wishes, now), now)
        self._at(now + self.setting.looks.every, self._decide)

    def _is_idle(self, now: float) -> bool:
        wake = self.choice.wake
        if self.fleet.in_flight:
            self.active = now
        return self.choice.least == 0 and wake is not None and now - max(self.active, self.last_request) >= wake.idle

    def _wish(self, target: Target, replicas: int, now: float) -> int:
        fleet = self.fleet
        if target.signal == metrics.CPU:
            window = self.setting.cpu_window
            pods = [metrics.pod_metric(pod.cpu, _started(pod), pod.ready_since, window) for pod in fleet.asked]
            return cpu_wish(pods, int(target.target), target.cores, replicas, now)
        if target.signal == Signal.TIME_TO_FIRST_TOKEN:
            return value_wish(self._first_token(now), target.target, replicas, len(fleet.ready))
        serving = (*fleet.ready, *fleet.draining)
        usage = metrics.summed(target.signal, [pod.scraped for pod in serving if pod.scraped])
        if target.average:
            return external_wish(usage, target.target, replicas)
        return value_wish(usage, target.target, replicas, len(fleet.ready))

    def _first_token(self, now: float) -> float:
        seen = [r for r in self.requests if r.first_token is not None and r.first_token > now - metrics.RATE_WINDOW]
        return metrics.quantile([r.first_token - r.arrival for r in seen if r.first_token], 0.95)

    def _scale(self, replicas: int, now: float, delay: float = 0.0) -> None:
        there = len(self.fleet.asked)
        if replicas == there:
            return
        self.result.changes.append((now, replicas))
        for _ in range(replicas - there):
            self._start(self.fleet.create(now), now + delay)
        for pod in self.fleet.stop(max(0, there - replicas), now):
            self._drain(pod, now)

    def _start(self, pod: Pod, now: float) -> None:
        def ready(now: float) -> None:
            self.fleet.become_ready(pod, now)
            self._scraper(pod)(now)

        self._at(now + self.setting.cold_start, ready)

    def _drain(self, pod: Pod, now: float) -> None:
        def look(now: float) -> None:
            if not self.fleet.drained(pod, now):
                self._drain(pod, now)

        over = pod.stopped + self.fleet.grace
        self._at(min(max(pod.replica.due, now), over) if pod.replica.in_flight else now, look)

    def _ended(self) -> Run:
        result = self.result
        ends: Sequence[float] = [request.end for request in self.requests if request.end is not None]
        result.end = max([self.trace.seconds, *ends])
        result.preempted = sum(pod.replica.preempted for pod in self.fleet.pods)
        return result


def _started(pod: Pod) -> float:
    """What is there when the trace begins has been there for long, so that its use of the CPU is believed."""
    return pod.created or -CPU_INITIALIZATION
