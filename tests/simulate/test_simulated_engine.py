"""The simulated engine: batching, its KV cache, and that watching it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from substrate.simulate.engine import REFERENCE, Replica, Request, Speed
from substrate.values import Duration


def run(replica: Replica, requests: list[Request]) -> list[Request]:
    ended = [one for request in requests for one in replica.submit(request, request.arrival)]
    return ended + replica.advance(1e9)


def poisson(rate: float, count: int, seed: int, context: int = 100, generated: int = 1) -> list[Request]:
    random, now, requests = Random(seed), 0.0, []
    for _ in range(count):
        now += random.expovariate(rate)
        requests.append(Request(now, context, generated))
    return requests


def mixed(count: int = 400, seed: int = 3) -> list[Request]:
    random, now, requests = Random(seed), 0.0, []
    for _ in range(count):
        now += random.expovariate(6)
        requests.append(Request(now, random.randint(1, 3000), random.randint(1, 600)))
    return requests


def times(requests: list[Request]) -> list[tuple[float | None, ...]]:
    return [(request.admitted, request.first_token, request.end) for request in requests]


def step_by_step(speed: Speed, requests: list[Request]) -> list[tuple[float, float, float]]:
    """The same engine, written to be read: one iteration after another, nothing skipped; the KV cache has room."""
    waiting, running, now, kv, seen = list(requests), {}, 0.0, 0, {}
    while waiting or running:
        if not running and waiting[0].arrival > now:
            now = waiting[0].arrival
        prompt, begun = 0, []
        while waiting and waiting[0].arrival <= now and len(running) < speed.sequences:
            head = waiting[0]
            if begun and prompt + head.context > speed.prefill_budget:
                break
            waiting.pop(0)
            running[id(head)] = head.generated
            seen[id(head)] = [now]
            begun.append(head)
            prompt, kv = prompt + head.context, kv + head.context
        now += speed.step + speed.per_sequence * len(running) + speed.per_kv_token * kv + prompt / speed.prefill
        kv += len(running)
        for head in begun:
            seen[id(head)].append(now)
        for request in requests:
            if id(request) in running:
                running[id(request)] -= 1
                if not running[id(request)]:
                    del running[id(request)]
                    seen[id(request)].append(now)
                    kv -= request.tokens
    return [tuple(seen[id(request)]) for request in requests]


def test_skipping_alike_iterations_gives_what_every_single_iteration_gives():
    requests = mixed()
    run(Replica(REFERENCE), requests)

    for skipped, single in zip(times(requests), step_by_step(REFERENCE, requests), strict=True):
        assert skipped == pytest.approx(single, abs=1e-6)


ONE_AT_A_TIME = replace(REFERENCE, sequences=1, per_kv_token=Duration(0))
SERVICE = ONE_AT_A_TIME.step + ONE_AT_A_TIME.per_sequence + 100 / ONE_AT_A_TIME.prefill


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_one_request_at_a_time_waits_as_long_as_queueing_theory_says(load):
    """M/D/1: a mean wait of load x service / (2 x (1 - load)); Pollaczek and Khinchine."""
    requests = poisson(load / SERVICE, 60_000, seed=7)
    run(Replica(ONE_AT_A_TIME), requests)

    waited = sum(request.admitted - request.arrival for request in requests) / len(requests)
    assert waited == pytest.approx(load * SERVICE / (2 * (1 - load)), rel=0.05)


def test_each_wait_follows_from_the_one_before_it():
    """Lindley's recursion: what the one before waited and took, less the time between the two; never below 0."""
    requests = poisson(0.95 / SERVICE, 5_000, seed=1)
    run(Replica(ONE_AT_A_TIME), requests)

    waited = 0.0
    for before, request in pairwise(requests):
        waited = max(0.0, waited + SERVICE - (request.arrival - before.arrival))
        assert request.admitted - request.arrival == pytest.approx(waited, abs=1e-6)


def test_every_request_ends_once_and_the_kv_cache_is_empty_again():
    replica, requests = Replica(REFERENCE), mixed()
    ended = run(replica, requests)

    assert sorted(map(id, ended)) == sorted(map(id, requests))
    assert (replica.running, replica.waiting, replica.kv_used) == (0, 0, 0)
    assert replica.generated == sum(request.generated for request in requests)


def test_looking_at_a_replica_often_changes_no_time():
    unseen, watched = mixed(), mixed()
    run(Replica(REFERENCE), unseen)
    replica, now = Replica(REFERENCE), 0.0
    for request in watched:
        while now < request.arrival:
            replica.advance(now)
            now += 0.013
        replica.submit(request, request.arrival)
    while replica.in_flight:
        now += 0.013
        replica.advance(now)

    for one, other in zip(times(unseen), times(watched), strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_a_full_kv_cache_puts_the_last_to_join_back_and_loses_nobody():
    small = replace(REFERENCE, kv_tokens=4_000)
    replica, requests = Replica(small), mixed(count=200)
    held = []
    ended = []
    for request in requests:
        ended += replica.submit(request, request.arrival)
        held.append(replica.kv_used)
    ended += replica.advance(1e9)

    assert replica.preempted > 10
    assert max(held) <= small.kv_tokens
    assert sorted(map(id, ended)) == sorted(map(id, requests))
    assert replica.kv_used == 0
    assert all(request.arrival <= request.admitted < request.first_token <= request.end for request in requests)


def test_no_more_requests_run_at_once_than_there_are_sequences():
    replica = Replica(replace(REFERENCE, sequences=4))
    for _ in range(10):
        replica.submit(Request(0.0, 100, 50), 0.0)

    assert (replica.running, replica.waiting) == (1, 9)  # the others join after the iteration in progress
    replica.advance(0.1)
    assert (replica.running, replica.waiting) == (4, 6)


def test_due_is_when_something_happens_next():
    replica = Replica(REFERENCE)
    request = Request(5.0, 1400, 3)
    replica.submit(request, 5.0)
    prompt = REFERENCE.step + REFERENCE.per_sequence + 1400 * REFERENCE.per_kv_token + 1400 / REFERENCE.prefill

    assert replica.due == pytest.approx(5.0 + prompt)
    assert replica.advance(replica.due) == []
    assert request.first_token == pytest.approx(5.0 + prompt)
    assert replica.advance(replica.due) == [request]
    assert replica.due == float("inf")


def test_a_killed_replica_hands_back_all_that_it_had():
    replica, requests = Replica(replace(REFERENCE, sequences=2)), [Request(0.0, 10, 100) for _ in range(5)]
    for request in requests:
        replica.submit(request, 0.0)
    replica.advance(0.05)

    assert replica.drop() == requests
    assert (replica.in_flight, replica.kv_used, replica.due) == (0, 0, float("inf"))


@pytest.mark.parametrize("request_", [Request(0.0, 299_999, 2), Request(0.0, 5, 0)])
def test_what_no_engine_can_answer_is_refused(request_):
    with pytest.raises(ValueError, match=r"never fit|one token"):
        Replica(REFERENCE).submit(request_, 0.0)
