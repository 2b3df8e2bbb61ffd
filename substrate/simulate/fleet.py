"""The pods of one model: they start, serve, drain and go. Imports its room."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

from substrate.simulate.engine import Replica, Request, Speed
from substrate.simulate.metrics import CpuRead, Scrape


@dataclass(slots=True, eq=False)
class Pod:
    """One replica's life, in seconds of the simulation: `gone` is infinite while it lives, `stopped` while it serves.

    `ready_since` is None until it is ready.
    """

    number: int
    created: float
    replica: Replica
    ready_since: float | None = None
    stopped: float = inf
    gone: float = inf
    scraped: Scrape | None = None
    cpu: CpuRead | None = None

    def seconds(self, end: float) -> float:
        """How long it has held its GPUs, by `end`."""
        return max(0.0, min(self.gone, end) - self.created)


class Fleet:
    """Pods of one model, and the requests that wait for the first of them.

    A request goes to the ready pod with the fewest in flight. Of pods to stop, those that are not ready go first, then
    the youngest, as a ReplicaSet does; one that served drains for `grace` seconds at most.
    """

    def __init__(self, speed: Speed, cold_start: float, grace: float) -> None:
        self.speed, self.cold_start, self.grace = speed, cold_start, grace
        self.pods: list[Pod] = []  # every one there ever was
        self.asked: list[Pod] = []  # those that are to be: starting or serving
        self.ready: list[Pod] = []
        self.draining: list[Pod] = []
        self.held: deque[Request] = deque()
        self.cut: list[Request] = []

    @property
    def in_flight(self) -> int:
        """Requests that no answer has ended, those that no pod has yet included."""
        serving = (*self.ready, *self.draining)
        return len(self.held) + sum(pod.replica.in_flight for pod in serving)

    @property
    def waiting(self) -> int:
        """Requests that no engine has begun."""
        serving = (*self.ready, *self.draining)
        return len(self.held) + sum(pod.replica.waiting for pod in serving)

    def advance(self, now: float) -> None:
        for pod in self.ready:
            if pod.replica.due <= now:
                pod.replica.advance(now)
        for pod in self.draining:
            if pod.replica.due <= now:
                pod.replica.advance(now)

    def submit(self, request: Request, now: float) -> None:
        if not self.ready:
            self.held.append(request)
            return
        best, fewest = self.ready[0], inf
        for pod in self.ready:
            replica = pod.replica
            if replica.due <= now:
                replica.advance(now)
            if (flying := replica.in_flight) < fewest:
                best, fewest = pod, flying
        best.replica.submit(request, now)

    def create(self, now: float, warm: bool = False) -> Pod:
        """A pod that is ready after the cold start; `warm`: at once."""
        pod = Pod(len(self.pods), now, Replica(self.speed))
        self.pods.append(pod)
        self.asked.append(pod)
        if warm:
            self.become_ready(pod, now)
        return pod

    def become_ready(self, pod: Pod, now: float) -> None:
        """Nothing, for one that was stopped meanwhile."""
        if pod.stopped < inf:
            return
        pod.ready_since = now
        self.ready.append(pod)
        while self.held:
            self.submit(self.held.popleft(), now)

    def stop(self, count: int, now: float) -> list[Pod]:
        """Stop so many; returns those that drain now."""
        ranked = sorted(self.asked, key=lambda pod: (pod.ready_since is None, pod.ready_since or 0.0, pod.number))
        victims = ranked[len(ranked) - count :]
        for pod in victims:
            self._stop(pod, now)
        return [pod for pod in victims if pod.gone == inf]

    def _stop(self, pod: Pod, now: float) -> None:
        pod.stopped = now
        self.asked.remove(pod)
        if pod.ready_since is None:
            pod.gone = now
            return
        self.ready.remove(pod)
        self.draining.append(pod)

    def drained(self, pod: Pod, now: float) -> bool:
        """Whether a draining pod is gone: it has answered all, or its time is over and what it had is cut off."""
        pod.replica.advance(now)
        if pod.replica.in_flight and now < pod.stopped + self.grace:
            return False
        self.cut.extend(pod.replica.drop())
        self.draining.remove(pod)
        pod.gone = now
        return True
