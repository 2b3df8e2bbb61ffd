"""One replica of an engine, by iterations: continuous batching over a paged KV cache. Imports values only.

Time is a number that the caller passes in, in seconds: an event loop's, or a clock's. Nothing here waits or draws lots.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf, sqrt

from substrate.values import Duration

# vLLM 0.33.0's default of --max-num-batched-tokens for its server on a large GPU.
PREFILL_BUDGET = 8192


@dataclass(frozen=True, slots=True)
class Speed:
    """How long an iteration takes: `step + per_sequence x running + per_kv_token x tokens held + prompt / prefill`.

    `prefill` is prompt tokens a second. At most `sequences` requests run at once, and the KV cache holds `kv_tokens`.
    One iteration begins prompts up to `prefill_budget` tokens together, and one at least.
    """

    step: Duration
    per_sequence: Duration
    per_kv_token: Duration
    prefill: float
    sequences: int
    kv_tokens: int
    prefill_budget: int = PREFILL_BUDGET


# An 8B on one large GPU (reference/performance.md 3.3): the set that the figures there were made with.
REFERENCE = Speed(Duration(0.012), Duration(0.00012), Duration(40e-9), 14_000, 128, 300_000)


@dataclass(slots=True, eq=False)
class Request:
    """One request: tokens of its prompt and of its answer, one at least. The times are None until they have come.

    `admitted` is when its prompt is begun. `made` counts the answer's tokens that were there when it was put back into
    the queue.
    """

    arrival: float
    context: int
    generated: int
    admitted: float | None = None
    first_token: float | None = None
    end: float | None = None
    made: int = 0

    @property
    def tokens(self) -> int:
        return self.context + self.generated


class Replica:
    """An engine that batches as vLLM does: requests join between two iterations, in the order of their coming.

    Each iteration makes one token for every request that runs; a prompt is computed in its first. Where the KV cache is
    full, the request that joined last goes back to the head of the queue and its tokens are computed again.
    `due` is when the next thing happens unless a request comes (infinite when idle): call `advance` no later than that
    to see it in time, and as often as you like before. `generated` counts tokens, `busy` seconds, `preempted` requests.
    """

    __slots__ = (
        "_begun",
        "_clock",
        "_ends",
        "_kv",
        "_number",
        "_prefill",
        "_queue",
        "_running",
        "_step",
        "_steps",
        "busy",
        "due",
        "generated",
        "preempted",
        "speed",
    )

    def __init__(self, speed: Speed) -> None:
        self.speed = speed
        self.due = inf
        self.generated, self.busy, self.preempted = 0, 0.0, 0
        self._queue: deque[Request] = deque()
        # By the number of joining, and so in its order.
        self._running: dict[int, Request] = {}
        # (iteration after which it ends, number of joining); one that was put back leaves its entry behind.
        self._ends: list[tuple[int, int]] = []
        # Those whose prompt the iteration in progress computes, and how many tokens that is.
        self._begun: list[Request] = []
        self._prefill = 0
        self._kv = self._number = 0
        # The iteration in progress, when it began, and how many alike are left until `due`.
        self._step, self._clock, self._steps = 0, 0.0, 0

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        return len(self._running) + len(self._queue)

    @property
    def kv_used(self) -> int:
        """Tokens in the KV cache, as of the last call."""
        return self._kv

    @property
    def kv_share(self) -> float:
        return self._kv / self.speed.kv_tokens

    def busy_until(self, now: float) -> float:
        """Seconds of work so far, those of an iteration in progress included."""
        return self.busy + (now - self._clock if self._running else 0.0)

    def submit(self, request: Request, now: float) -> list[Request]:
        """Put a request at the end of the queue; returns what ended until `now`.

        Raises ValueError for one that the KV cache can never hold: an engine refuses it.
        """
        if request.generated < 1:
            raise ValueError("an answer has one token at least")
        if request.tokens > self.speed.kv_tokens:
            raise ValueError(f"{request.tokens} tokens never fit into a KV cache of {self.speed.kv_tokens}")
        ended = self.advance(now)
        first = not self._queue
        self._queue.append(request)
        if not self._running:
            self._clock = now
            self._form()
        elif first and self._steps > 1 and len(self._running) < self.speed.sequences:
            # It may join after the iteration in progress, and not only when another ends.
            self._steps = 1
            self.due = self._clock + self._length(1)
        return ended

    def advance(self, now: float) -> list[Request]:
        """Compute every iteration that ends by `now`; returns the requests that ended, in order."""
        ended: list[Request] = []
        while self.due <= now:
            self._pass(self._steps, self.due)
            self._finish(ended)
            self._make_room()
            self._form()
        if self._steps > 1 and (steps := self._whole(now - self._clock)):
            self._pass(steps, self._clock + self._length(steps))
        return ended

    def drop(self) -> list[Request]:
        """Let go of every request, as a process that is killed does."""
        lost = [*self._running.values(), *self._queue]
        for kept in (self._running, self._queue, self._ends, self._begun):
            kept.clear()
        self._kv = self._prefill = self._steps = 0
        self.due = inf
        return lost

    def _pass(self, steps: int, until: float) -> None:
        """Move to the end of so many iterations."""
        made = steps * len(self._running)
        self.busy += until - self._clock
        self.generated += made
        self._kv += made
        self._step += steps
        self._steps -= steps
        self._clock = until
        for request in self._begun:
            if request.first_token is None:
                request.first_token = until
        self._begun.clear()
        self._prefill = 0

    def _finish(self, ended: list[Request]) -> None:
        ends, running = self._ends, self._running
        while ends and ends[0][0] <= self._step:
            request = running.pop(heappop(ends)[1], None)
            if request is not None:
                request.end = self._clock
                self._kv -= request.tokens
                ended.append(request)

    def _make_room(self) -> None:
        """Every request needs room for one token more; the last to have joined goes first."""
        while self._kv + len(self._running) > self.speed.kv_tokens:
            number, request = self._running.popitem()
            left = next(step for step, joined in self._ends if joined == number) - self._step
            request.made = request.generated - left
            self._kv -= request.context + request.made
            self._queue.appendleft(request)
            self.preempted += 1

    def _form(self) -> None:
        """Admit whom there is room for, and find how many iterations pass until something changes."""
        if self._queue:
            self._admit()
        count = len(self._running)
        if not count:
            self._steps, self.due = 0, inf
            return
        self._steps = 1 if self._prefill else self._until_change(count)
        self.due = self._clock + self._length(self._steps)

    def _admit(self) -> None:
        speed, queue, running = self.speed, self._queue, self._running
        while queue and len(running) < speed.sequences:
            request = queue[0]
            prompt = request.context + request.made
            if self._kv + prompt + len(running) + 1 > speed.kv_tokens:
                return
            if self._begun and self._prefill + prompt > speed.prefill_budget:
                return
            self._join(queue.popleft(), prompt)

    def _join(self, request: Request, prompt: int) -> None:
        if request.admitted is None:
            request.admitted = self._clock
        self._number += 1
        self._running[self._number] = request
        heappush(self._ends, (self._step + request.generated - request.made, self._number))
        self._kv += prompt
        self._prefill += prompt
        self._begun.append(request)

    def _until_change(self, count: int) -> int:
        ends, running = self._ends, self._running
        while ends[0][1] not in running:
            heappop(ends)
        return min(ends[0][0] - self._step, (self.speed.kv_tokens - self._kv) // count)

    def _length(self, steps: int) -> float:
        """Seconds of the next iterations: one token more is held for each request after every one."""
        speed, count = self.speed, len(self._running)
        held = steps * self._kv + count * steps * (steps - 1) / 2
        flat = speed.step + speed.per_sequence * count
        return steps * flat + speed.per_kv_token * held + self._prefill / speed.prefill

    def _whole(self, elapsed: float) -> int:
        """How many iterations have ended after `elapsed` seconds, fewer than all that are left: `_length` solved."""
        speed, count = self.speed, len(self._running)
        half = speed.per_kv_token * count / 2
        line = speed.step + speed.per_sequence * count + speed.per_kv_token * self._kv - half
        root = (sqrt(line * line + 4 * half * elapsed) - line) / (2 * half) if half else elapsed / line
        steps = min(int(root), self._steps - 1)
        # The root is exact to a rounding only.
        while steps and self._length(steps) > elapsed:
            steps -= 1
        return steps
