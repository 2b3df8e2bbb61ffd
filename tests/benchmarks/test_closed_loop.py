"""The parts of the closed loop's benchmark, each by itself: no cluster, no time that anybody measures."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from dataclasses import replace
from math import inf
from typing import Any

import pytest
import yaml

from benchmarks.closed_loop import exposition, llama, objects, policies, results, running
from benchmarks.closed_loop.asking import Answer, Lost, ask
from benchmarks.closed_loop.generator import Load, Record, Router, stand_in_body
from benchmarks.closed_loop.stand_in import Engine, Server
from benchmarks.closed_loop.watch import Life, Pods, in_trace
from benchmarks.scaling_closed_loop import ADAPTER_WINDOW, broken_between, broken_of, broken_together
from cluster.embedded.extras import prometheus_adapter
from substrate.facts.metrics import is_exported, vllm
from substrate.manifests.adapter_rules import external_rules
from substrate.simulate.choices import Choice
from substrate.simulate.compare import Agreement
from substrate.simulate.engine import REFERENCE, Replica, Request
from substrate.simulate.report import Price, Row, row
from substrate.simulate.run import ON_TIME, Looks, Run, Setting, simulate
from substrate.simulate.trace import Arrival, Trace, read

HURRY = 2000.0  # seconds of the engine in one of the clock
SERIES = re.compile(r"([a-z_:]+)(\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\})? (\d+(\.\d+)?)")
CADVISORS = {"container_cpu_usage_seconds_total", "container_memory_working_set_bytes"}


def exposed(text: str) -> dict[str, float]:
    """The samples by name; every line that is no comment is one."""
    found = [SERIES.fullmatch(line) for line in text.splitlines() if not line.startswith("#")]
    assert all(found), text
    return {match[1]: float(match[4]) for match in found if match}


# --- the stand-in -------------------------------------------------------------------------------------------------


def test_stand_in_exports_what_vllm_exports_and_the_use_of_a_pod():
    names = exposed(exposition.text(Replica(REFERENCE), 0.0, 15.0, 0))

    assert set(names) >= CADVISORS
    assert [name for name in names if name not in CADVISORS and not is_exported(vllm.REGISTRY, name)] == []


def test_modelled_cpu_is_the_cores_that_are_used_by_the_machines_clock():
    replica, factor = Replica(REFERENCE), 15.0
    replica.submit(Request(0.0, 100, 100_000), 0.0)
    before, after = (exposed(text(replica, now, factor))["container_cpu_usage_seconds_total"] for now in (15.0, 30.0))

    # 15 seconds of the engine are one of the clock; it spins on one core, and tokens cost a little beside.
    assert (after - before) * exposition.CPU_SCALE == pytest.approx(1.0, abs=0.02)


def text(replica: Replica, now: float, factor: float) -> str:
    replica.advance(now)
    return exposition.text(replica, now, factor, 0)


async def serving(asks: list[bytes]) -> tuple[list[Answer | Lost], dict[str, float]]:
    """A stand-in on loopback, asked all at once, and its metrics afterwards."""
    server = Server(Engine(HURRY, asyncio.get_running_loop()))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        answers = await asyncio.gather(*(ask("127.0.0.1", port, body) for body in asks), return_exceptions=True)
    return list(answers), exposed(server.engine.metrics())  # type: ignore[arg-type]


def test_stand_in_answers_every_request_once_with_its_time_in_the_queue():
    asks = [stand_in_body(Arrival(0.0, 500, 20))] * 300
    answers, metrics = asyncio.run(serving(asks))

    assert all(isinstance(answer, Answer) and answer.queued is not None for answer in answers), answers
    assert metrics["vllm:request_success_total"] == 300
    assert metrics["vllm:generation_tokens_total"] == 300 * 20
    assert metrics["vllm:num_requests_running"] == metrics["vllm:num_requests_waiting"] == 0


def test_request_that_never_fits_is_lost_with_what_the_engine_said():
    answers, _ = asyncio.run(serving([stand_in_body(Arrival(0.0, REFERENCE.kv_tokens, 1))]))

    assert isinstance(answers[0], Lost) and "never fit" in str(answers[0])


# --- the load -----------------------------------------------------------------------------------------------------


def test_requests_wait_for_the_first_pod_and_go_where_the_fewest_are():
    async def routed() -> list[str]:
        router = Router()
        waiting = asyncio.create_task(router.choose())
        await asyncio.sleep(0)
        assert not waiting.done(), "there is no pod yet"
        router.tell(["a:1"])
        found = [await waiting]
        router.flying["a:1"] += 2
        router.tell(["a:1", "b:1"])
        for _ in range(2):
            found.append(await router.choose())
            router.flying[found[-1]] += 1
        return found

    assert asyncio.run(routed()) == ["a:1", "b:1", "b:1"]


def test_every_request_of_a_trace_is_counted_once_whatever_became_of_it():
    async def replayed() -> Load:
        server = Server(Engine(HURRY, asyncio.get_running_loop()))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        load = Load(Trace("one", [Arrival(0.0, 10, 2), Arrival(1.0, 10**9, 2)], 2.0), HURRY, stand_in_body)
        load.router.tell([f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"])
        async with listening:
            await load.run()
        return load

    answered, lost = asyncio.run(replayed()).records
    assert answered.number == 0 and answered.end is not None and answered.wait is not None and answered.lost is None
    assert lost.number == 1 and lost.end is None and "never fit" in str(lost.lost)


def test_the_small_load_of_the_real_engine_is_a_trace(tmp_path):
    trace = read(llama.write_trace(tmp_path / "small.csv"))

    assert trace.seconds <= llama.SECONDS and len(trace.arrivals) > 100


# --- pods ---------------------------------------------------------------------------------------------------------


def pod(uid: str, address: str = "", ready: bool = False, stopped: bool = False) -> dict[str, Any]:
    metadata = {"uid": uid, **({"deletionTimestamp": "2026-11-30T00:00:00Z"} if stopped else {})}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": metadata, "status": {"podIP": address, "conditions": conditions}}


def test_requests_go_to_pods_that_are_ready_and_not_being_deleted():
    told: list[list[str]] = []
    pods = Pods(8000, told.append)
    pods.heard("ADDED", pod("one"))
    pods.heard("MODIFIED", pod("one", "10.0.0.1"))
    pods.heard("MODIFIED", pod("one", "10.0.0.1", ready=True))
    pods.heard("ADDED", pod("two", "10.0.0.2", ready=True))
    pods.heard("MODIFIED", pod("one", "10.0.0.1", ready=True, stopped=True))
    pods.heard("DELETED", pod("one", "10.0.0.1", stopped=True))

    assert told == [["10.0.0.1:8000"], ["10.0.0.1:8000", "10.0.0.2:8000"], ["10.0.0.2:8000"]]
    (gone, stays) = pods.lives.values()
    assert gone.created < gone.ready < gone.stopped < gone.gone < inf
    assert stays.stopped == stays.gone == inf


def test_lives_in_seconds_of_the_trace_begin_with_it():
    lives = [Life(90.0, 95.0), Life(101.0, 105.0, 110.0, 112.0), Life(80.0, 81.0, 90.0, 91.0)]

    assert in_trace(lives, begin=100.0, factor=10.0) == [
        Life(0.0, 0.0),
        Life(10.0, 50.0, 100.0, 120.0),
    ]


# --- what came of it ----------------------------------------------------------------------------------------------


def test_a_run_that_is_written_down_gives_the_figures_that_the_simulation_gives():
    trace = Trace("steady", [Arrival(0.07 + number * 0.2, 1000, 200) for number in range(600)], 120.0)
    simulated = simulate(trace, Choice("static, 1", 1, 1), Setting(REFERENCE, 10_000, 60.0))
    records = [
        Record(number, one.arrival, one.arrival, one.first_token, one.end, one.admitted - one.arrival)
        for number, one in enumerate(simulated.requests)
        if one.admitted is not None
    ]
    run = results.as_run(simulated.choice, trace, records, [Life(0.0, 0.0)])

    assert row(run, Price(1, 1.0), 2.0) == row(simulated, Price(1, 1.0), 2.0)
    assert run.samples == simulated.samples[: len(run.samples)]


def test_pods_that_come_together_are_one_change():
    lives = [Life(0.0, 0.0), Life(30.0, 90.0), Life(30.5, 91.0), Life(31.0, 92.0, 400.0, 410.0)]

    assert results.changes(lives, 500.0) == [(0.0, 1), (30.0, 4), (400.0, 3)]


def test_when_an_autoscaler_looked_is_read_off_what_it_told_however_seldom_it_told_something():
    looked = Looks(first=11.0, every=15.2)
    told = [looked.first + number * looked.every for number in (*range(1, 20), 40, 41, 90)]
    late = [moment + (0.3, -0.3)[place % 2] for place, moment in enumerate(told)]

    assert results.looks(told) == pytest.approx(tuple(looked))
    assert results.looks(late) == pytest.approx(tuple(looked), abs=0.5)
    assert results.looks([]) == results.looks([26.0]) == ON_TIME, "a fixed number tells nothing"


def test_first_scrapes_are_of_the_pods_that_were_there_before_in_the_order_they_came():
    lives = [
        Life(90.0, 95.0, address="b"),
        Life(80.0, 85.0, address="a"),
        Life(70.0, 75.0, 95.0, 99.0, address="gone"),
        Life(101.0, 105.0, address="later"),
    ]
    reads = {"a": 99.5, "b": 98.9, "gone": 98.0}

    # Every 2 s of the clock: a again at 101.5, b at 100.9.
    assert running.first_scrapes(reads, lives, begin=100.0, factor=7.5) == pytest.approx([11.25, 6.75])
    assert running.first_scrapes({"a": 99.5}, lives, begin=100.0, factor=7.5) == [], "one of them is not known"


def test_lost_requests_are_counted_and_have_no_wait():
    trace = Trace("two", [Arrival(0.0, 1, 1), Arrival(1.0, 1, 1)], 2.0)
    records = [Record(1, 1.0, 1.0, lost="gone"), Record(0, 0.0, 0.0, 0.5, 0.6, 0.1)]
    run = results.as_run(Choice("static, 1", 1, 1), trace, records, [Life(0.0, 0.0)])
    figures = row(run, Price(1, 1.0), 2.0)

    assert (figures.requests, figures.answered, figures.cut) == (2, 1, 1)
    assert results.document(run, {})["waits"] == [0.1]


# --- what is applied ----------------------------------------------------------------------------------------------


def test_every_time_of_an_autoscaler_is_compressed():
    for policy in policies.compared():
        if policy.autoscaler is None:
            continue
        scaled = objects.compressed(policy.autoscaler, 15.0)
        down, up = (scaled["spec"]["behavior"][f"scale{way}"] for way in ("Down", "Up"))
        assert down["stabilizationWindowSeconds"] == 20
        assert {rule["periodSeconds"] for rule in (*up["policies"], *down.get("policies", ()))} == {1}


def test_a_factor_that_leaves_no_whole_seconds_is_refused():
    autoscaler = next(policy.autoscaler for policy in policies.compared() if policy.autoscaler)
    with pytest.raises(ValueError, match="choose another factor"):
        objects.compressed(autoscaler, 7.0)


def test_the_stand_ins_program_is_all_that_it_imports(tmp_path):
    """Where a pod has it, with Python's own library and nothing else."""
    spec = objects.stand_ins(policies.compared()[0].server, 1, 15.0, 4.0, 4.0)["spec"]["template"]["spec"]
    for item in spec["volumes"][0]["configMap"]["items"]:
        file = tmp_path / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(objects.program()["data"][item["key"]])
    alone = [sys.executable, "-S", "-m", "benchmarks.closed_loop.stand_in", "--help"]
    told = subprocess.run(alone, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)

    assert told.returncode == 0 and "--factor" in told.stdout, told.stderr


def test_the_embedded_adapter_answers_by_substrates_own_rules():
    """The cluster imports nothing of Substrate: what `substrate adapter-rules` prints stands in its file."""
    configured = yaml.safe_load(prometheus_adapter.CONFIG.read_text())["externalRules"]

    assert [rule for rule in external_rules() if rule not in configured] == []


# --- what is promised ---------------------------------------------------------------------------------------------


def figures(name: str, wait: float, seconds: float) -> Row:
    run = Run(Choice(name, 1, 1), [], 0, [], [], changes=[(0.0, 1)])
    return replace(row(run, Price(1, 1.0), 2.0), wait_p95=wait, replica_seconds=seconds)


def test_a_loop_in_which_in_flight_waits_too_long_or_costs_too_much_fails():
    kept = {
        "cpu": figures("cpu", 90.0, 10),
        "waiting": figures("waiting", 9.0, 100),
        "inFlight": figures("ours", 9.0, 100),
    }

    assert not [*broken_between(kept)]
    assert len([*broken_between({**kept, "inFlight": figures("ours", 9.1, 101)})]) == 2
    assert not [*broken_between({"inFlight": kept["inFlight"]})], "what did not run promises nothing"


def test_a_simulation_that_is_far_off_fails():
    near = Agreement(100, 0.95, 1.0, 2.0, 2.0, 1.0)

    far = replace(near, within_one=0.94, wait_ratio=2.1)
    assert not [*broken_of(figures("in flight 16", 1, 1), near)]
    assert len([*broken_of(figures("in flight 16", 1, 1), far)]) == 2
    assert len([*broken_of(figures("waiting 5", 1, 1), far)]) == 1, "what swings is counted with the others"


def test_a_simulation_that_is_far_off_in_all_that_scales_together_fails():
    near, far = (Agreement(100, share, 1.0, 1.0, 1.0, 1.0) for share in (1.0, 0.9))

    assert not [*broken_together([near, far])]
    assert len([*broken_together([near, far, replace(far, samples=20)])]) == 1
    assert not [*broken_together([])], "what did not run promises nothing"


def test_the_simulation_is_told_what_the_adapter_says_of_the_cpu():
    rules = yaml.safe_load(prometheus_adapter.CONFIG.read_text())["resourceRules"]

    assert rules["window"] == f"{ADAPTER_WINDOW:.0f}s"
