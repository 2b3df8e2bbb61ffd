"""Open-loop load: each request of a trace at its time, whatever became of those before. Imports `asking`, the trace.

    python -m benchmarks.closed_loop.generator --trace T.csv --rate 2 --until 600 --factor 15 --out answers.jsonl

It runs inside the cluster's network. Which pods are ready it is told by lines of standard input, `["10.244.0.7:8000"]`;
a request goes to the one with the fewest that it has there, and waits for one where none is ready. Every half second it
prints a line of JSON with its counts; at the end it writes one line a request to `--out`. Seconds are the trace's: the
clock's times `--factor`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.closed_loop.asking import Lost, ask
from substrate.simulate.trace import Arrival, Trace, read

_TOLD_EVERY = 0.5


@dataclass(slots=True)
class Record:
    """One request, by its place in the trace, in seconds of it: when it was due and sent, its first and last token.

    Both are None where it was lost, for a reason.

    `wait` is from when it was due until the engine began it: what passed until it was sent and what the engine says of
    its queue, or, of an engine that says nothing, all that passed until the first token but the prompt's own time.
    """

    number: int
    due: float
    sent: float | None = None
    first: float | None = None
    end: float | None = None
    wait: float | None = None
    lost: str | None = None


class Router:
    """The ready pods, by the requests that each has of us."""

    def __init__(self) -> None:
        self.flying: Counter[str] = Counter()
        self._ready: list[str] = []
        self._some = asyncio.Event()

    def tell(self, addresses: list[str]) -> None:
        self._ready = addresses
        self._some.set() if addresses else self._some.clear()

    async def choose(self) -> str:
        while not self._ready:
            await self._some.wait()
        fewest = min(self.flying[address] for address in self._ready)
        return random.choice([address for address in self._ready if self.flying[address] == fewest])


class Load:
    """A trace against the pods that are ready."""

    def __init__(self, trace: Trace, factor: float, body: Callable[[Arrival], bytes]) -> None:
        self.trace, self.factor, self.body = trace, factor, body
        self.router = Router()
        self.records: list[Record] = []
        self.begin = 0.0

    def now(self) -> float:
        return self.at(time.monotonic())

    def at(self, moment: float) -> float:
        return (moment - self.begin) * self.factor

    async def run(self) -> None:
        await self.router.choose()  # nothing begins before a pod is ready
        self.begin = time.monotonic()
        teller = asyncio.create_task(self._tell())
        async with asyncio.TaskGroup() as sending:
            for number, arrival in enumerate(self.trace.arrivals):
                await self._until(arrival.at)
                sending.create_task(self._send(number, arrival))
            await self._until(self.trace.seconds)
        teller.cancel()
        self._say()

    async def _until(self, second: float) -> None:
        left = self.begin + second / self.factor - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)

    async def _send(self, number: int, arrival: Arrival) -> None:
        record = Record(number, arrival.at)
        self.records.append(record)
        address = await self.router.choose()
        self.router.flying[address] += 1
        host, _, port = address.rpartition(":")
        record.sent = self.now()
        try:
            answer = await ask(host, int(port), self.body(arrival))
        except Lost as lost:
            record.lost = f"{address}: {lost}"
            return
        finally:
            self.router.flying[address] -= 1
        record.first, record.end = self.at(answer.first), self.at(answer.end)
        unsent, unbegun = record.sent - record.due, record.first - record.due - answer.prompt
        record.wait = max(0.0, unbegun if answer.queued is None else unsent + answer.queued)

    async def _tell(self) -> None:
        while True:
            self._say()
            await asyncio.sleep(_TOLD_EVERY)

    def _say(self) -> None:
        print(json.dumps(counts(self.records, self.now())), flush=True)


def counts(records: list[Record], now: float) -> dict[str, float]:
    """What a line of progress says, of all requests so far."""
    answered = sum(record.end is not None for record in records)
    lost = sum(record.lost is not None for record in records)
    return {"at": now, "sent": len(records), "answered": answered, "lost": lost}


def stand_in_body(arrival: Arrival) -> bytes:
    return json.dumps({"context": arrival.context, "max_tokens": arrival.generated, "stream": True}).encode()


def llama_body(arrival: Arrival) -> bytes:
    """As many words as the trace has tokens; no two prompts begin alike, so none is in the cache of prompts."""
    words = f"{random.random()} " + "word " * arrival.context
    asked = {"prompt": words, "max_tokens": arrival.generated, "stream": True, "ignore_eos": True}
    return json.dumps(asked).encode()


BODIES: dict[str, Callable[[Arrival], bytes]] = {"stand-in": stand_in_body, "llama.cpp": llama_body}


async def _listen(router: Router) -> None:
    """What the harness says on standard input, until it closes it."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        router.tell(json.loads(line))


async def _main(given: argparse.Namespace) -> None:
    trace = read(given.trace).faster(given.rate).between(0, given.until)
    load = Load(trace, given.factor, BODIES[given.engine])
    listening = asyncio.create_task(_listen(load.router))
    await load.run()
    listening.cancel()
    given.out.write_text("".join(json.dumps(asdict(record)) + "\n" for record in load.records))


def main() -> None:
    parser = argparse.ArgumentParser(description="A trace, replayed.")
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--until", type=float, required=True)
    parser.add_argument("--factor", type=float, required=True)
    parser.add_argument("--engine", choices=BODIES, default="stand-in")
    parser.add_argument("--out", type=Path, required=True)
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
