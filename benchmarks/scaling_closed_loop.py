"""Ways to scale, in a closed loop on a real control plane: how long requests wait, and what the replicas cost.

    python -m benchmarks.scaling_closed_loop [--only cpu,waiting,inFlight] [--minutes 20] [--factor 15]

A cluster of its own is brought up and taken down: kube-apiserver, kube-controller-manager with its autoscaler, kubelet,
Prometheus by its operator, prometheus-adapter. The engines are stand-ins in pods, which keep the time of the simulated
engine (substrate/simulate/engine.py) and export vLLM's metrics; the load is a real trace at twice its rate, the same
for every policy. Time is compressed: a second of the clock is `--factor` seconds of the trace, for the engines, the
cold start, the scrapes, and the autoscaler's period and windows alike. Each policy is one run:

    static     three replicas, no autoscaler: what the harness itself adds, against the simulation
    cpu        CPU 80 % of a request of 4 cores
    waiting    5 waiting a replica
    inFlight   16 in flight a replica, with a guard on what waits: Substrate's default
    cpu1       CPU 80 % of a request of 1 core: the CPU setting that reacts
    llama      a real llama-server and a small load in real time, in flight 4: from one replica to two and back

It prints progress, a table, the ratios between the policies, and how far the simulation agrees with each run; the
samples and a picture go to `--out`. It ends with 1 where something that is promised of them was not so. Imports the
tests' harness.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.closed_loop import llama, objects, policies, results, running, stack
from benchmarks.closed_loop.objects import Object
from benchmarks.closed_loop.policies import Policy
from benchmarks.closed_loop.running import Load
from cluster.embedded.layout import CLONE, Root
from substrate.simulate.compare import Agreement, agreement
from substrate.simulate.engine import REFERENCE
from substrate.simulate.picture import draw
from substrate.simulate.report import Price, Row, row, span, table
from substrate.simulate.run import Run, Setting, simulate
from tests.cluster.conftest import Embedded, eventually
from tests.ports import free_port

TRACE = CLONE / "examples" / "traces" / "azure-llm-2023-conv.csv"
RATE = 2.0
COLD_START = 60.0
OBJECTIVE = 2.0
# What is compressed beside Prometheus' interval: the controller's own times (the defaults of its flags).
CONTROLLERS = {
    "sync-period": 15.0,
    "cpu-initialization-period": 300.0,
    "initial-readiness-delay": 30.0,
}
# What a cold start has beside the engine's own, in seconds of the clock: from a pod's creation until its process runs,
# and from when it listens until the kubelet has seen it. 2 to 4.6 were measured, the more pods at once the more.
POD_START = 3.0
COMPRESSION = 15.0
# What prometheus-adapter says the CPU's use is the mean of, by its configuration, in seconds of the clock whatever the
# factor: the autoscaler believes a young pod's use once it has been ready for so long.
ADAPTER_WINDOW = 30.0
# What is promised: of in flight beside CPU use, and of the simulation beside each run (docs/scaling-closed-loop.md).
OF_CPU, WITHIN_ONE, WAIT_FACTOR = 0.1, 0.95, 2.0
OURS = "in flight"
EXTRAS = ("prometheus", "prometheus-adapter")
ONE_GPU = Price(1, 1.0)


def main() -> int:
    given = _arguments()
    chosen = [policy for policy in policies.compared() if policy.key in given.only]
    load = Load(given.trace, RATE, 60 * given.minutes, given.factor)
    load.requests()  # a trace that cannot be read is told of before anything starts
    given.out.mkdir(parents=True, exist_ok=True)
    with cluster(given.root, given.factor) as embedded:
        runs = [measured(embedded, policy, load, given.out) for policy in chosen]
        broken = report(chosen, runs, load, given.out) if runs else []
        if llama.KEY in given.only:
            report_real(with_llama(embedded, given.out))
    for claim in broken:
        print(f"not kept: {claim}", file=sys.stderr)
    return 1 if broken else 0


def measured(embedded: Embedded, policy: Policy, load: Load, out: Path) -> Run:
    """One policy's run, written down."""
    factor = load.factor
    start = max(0.0, COLD_START / factor - POD_START)
    engines = objects.stand_ins(policy.server, policy.choice.least, factor, start, policy.cores)
    return looped(embedded, policy, engines, factor, load, out)


def with_llama(embedded: Embedded, out: Path) -> Run:
    """The loop with a real engine."""
    file = llama.write_trace(embedded.root.path / "llama.csv")  # which the load sees: it has a /tmp of its own
    load = Load(file, 1.0, llama.SECONDS, 1.0, engine="llama.cpp")
    policy = llama.policy()
    return looped(embedded, policy, llama.engines(policy.server), COMPRESSION, load, out)


def looped(embedded: Embedded, policy: Policy, engines: Object, factor: float, load: Load, out: Path) -> Run:
    """Engines, what scales them, its times divided by `factor`, and load."""
    print(f"==> {policy.choice.name}", flush=True)
    autoscaler = policy.autoscaler and objects.compressed(policy.autoscaler, factor)
    ran = running.run(embedded, engines, autoscaler, load, say(policy.key))
    return written(results.as_run(policy.choice, load.requests(), ran.records, ran.lives), ran, load, out / policy.key)


def written(run: Run, ran: running.Ran, load: Load, file: Path) -> Run:
    """The run, with a word on how well the harness kept up, kept in a file."""
    cold_start, late = results.cold_start(ran.lives), results.lateness(ran.records) / load.factor
    harness = {"factor": load.factor, "coldStart": cold_start, "lateness": late, "busy": ran.busy}
    kept = results.document(
        run, {"policy": run.choice.name, **harness, "decisions": ran.decisions, "scraped": ran.scraped}
    )
    file.with_suffix(".json").write_text(json.dumps(kept))
    print(
        f"    {len(run.cut)} lost; pods were ready {cold_start:.0f} s after their creation; the machine was "
        f"{100 * ran.busy:.0f} % busy; requests were sent {1000 * late:.0f} ms late at p99",
        flush=True,
    )
    return run


def say(key: str) -> running.Say:
    return lambda text: print(f"    {key:<9} {text}", flush=True)


def report(chosen: Sequence[Policy], runs: Sequence[Run], load: Load, out: Path) -> list[str]:
    """Print all of it and draw the picture; what is promised of it and was not so."""
    trace = load.requests()
    rows = [row(run, ONE_GPU, OBJECTIVE) for run in runs]
    told = f"{trace.name} at {load.rate:g} times its rate, cold start {COLD_START:.0f} s"
    print(f"\n{told}, {trace.seconds / 60:.0f} min, {len(trace.arrivals):,} requests")
    print(table(rows, f"{OBJECTIVE:g} s"))
    print()
    agreements = [compared(*each, load, out) for each in zip(chosen, runs, strict=True)]
    for line in (*ratios(rows), *map(described, rows, agreements)):
        print(line)
    (out / "replicas.svg").write_text(draw(trace, runs, rows, f"Closed loop: {told}"))
    keys = [policy.key for policy in chosen]
    told = [found for found, _ in agreements]
    return [
        *broken_between(dict(zip(keys, rows, strict=True))),
        *broken_together([found for run, found in zip(runs, told, strict=True) if len(run.changes) > 1]),
        *(claim for each in zip(rows, told, strict=True) for claim in broken_of(*each)),
    ]


def broken_between(rows: Mapping[str, Row]) -> Iterator[str]:
    """What in flight is to be beside the others, where it is not."""
    ours, cpu, waiting = (rows.get(key) for key in ("inFlight", "cpu", "waiting"))
    if ours and cpu and ours.wait_p95 > OF_CPU * cpu.wait_p95:
        yield f"in flight waits at most {100 * OF_CPU:.0f} % of what CPU use waits"
    if ours and waiting and ours.replica_seconds > waiting.replica_seconds:
        yield "in flight takes no more replica-seconds than scaling on what waits"


def broken_together(found: Sequence[Agreement]) -> Iterator[str]:
    """What the simulation is to be beside all runs whose replicas moved, where it is not.

    Beside one that swings between its bounds each of its turns may come a look of the autoscaler's too early or too
    late, which is more than one replica for 15 s: that one alone is told of, and nothing is promised.
    """
    samples = sum(one.samples for one in found)
    if samples and sum(one.samples * one.within_one for one in found) < WITHIN_ONE * samples:
        yield f"simulated replicas within one at {100 * WITHIN_ONE:.0f} % of the samples of what scales"


def broken_of(row: Row, found: Agreement) -> Iterator[str]:
    """What the simulation is to be beside one run, where it is not."""
    if row.name.startswith(OURS) and found.within_one < WITHIN_ONE:
        yield f"{row.name}: simulated replicas within one at {100 * WITHIN_ONE:.0f} % of the samples"
    if found.wait_ratio > WAIT_FACTOR:
        yield f"{row.name}: the simulated p95 wait within a factor of {WAIT_FACTOR:g}"


def report_real(run: Run) -> None:
    (figures,) = [row(run, ONE_GPU, OBJECTIVE)]
    steps = ", ".join(f"{count} from {at:.0f} s on" for at, count in run.changes)
    print(
        f"\n{figures.name}: replicas {steps}; {figures.answered} of {figures.requests} requests answered, "
        f"p95 wait {span(figures.wait_p95)}, first token p95 {span(figures.first_token_p95)}"
    )


def ratios(rows: Sequence[Row]) -> Iterator[str]:
    """In flight against the others, wait and cost."""
    ours = next((one for one in rows if one.name.startswith(OURS)), None)
    for other in rows:
        if ours and other is not ours:
            yield (
                f"in flight / {other.name}: p95 wait {span(ours.wait_p95)} / {span(other.wait_p95)} = "
                f"{ours.wait_p95 / other.wait_p95 if other.wait_p95 else float('nan'):.4f}; replica-seconds "
                f"{ours.replica_seconds / other.replica_seconds:.2f}"
            )


def compared(policy: Policy, run: Run, load: Load, out: Path) -> tuple[Agreement, Agreement]:
    """The simulation of the same, with the cold start that was measured, and told the run's clocks; then not told.

    They are when, within 15 s, the autoscaler looked and Prometheus read the first pods. No owner knows that
    beforehand; it is where the run began, as its replicas are, and what swings is as far off in its later turns.
    """
    record = json.loads((out / f"{policy.key}.json").read_text())
    cold_start, window = record["coldStart"] or COLD_START, ADAPTER_WINDOW * load.factor
    untold = Setting(REFERENCE, REFERENCE.kv_tokens, cold_start, cpu_window=window)
    looks = results.looks([at for at, _ in record["decisions"]])
    told = replace(untold, looks=looks, scraped=tuple(record["scraped"]))
    told_of, untold_of = (agreement(record, simulate(load.requests(), run.choice, each)) for each in (told, untold))
    return told_of, untold_of


def described(row: Row, found: tuple[Agreement, Agreement]) -> str:
    told, untold = found
    return (
        f"simulated {row.name}: replicas within one at {100 * told.within_one:.1f} % of {told.samples} "
        f"samples; p95 wait {span(told.simulated_wait)} against {span(told.recorded_wait)}, a factor of "
        f"{told.wait_ratio:.2f}; replica-seconds {told.replica_seconds_ratio:.2f} of the run's; "
        f"not told the run's clocks {100 * untold.within_one:.1f} %, "
        f"{untold.wait_ratio:.2f}, {untold.replica_seconds_ratio:.2f}"
    )


@contextmanager
def cluster(root: Path | None, factor: float) -> Iterator[Embedded]:
    """With the metrics path and the engines' program; gone afterwards, unless it has a root that somebody named."""
    with tempfile.TemporaryDirectory(prefix="closed-loop-") as folder:
        embedded = Embedded(Root.at(root or Path(folder) / "root"))
        try:
            _up(embedded, factor)
            yield embedded
        finally:
            if root is None:
                embedded.run("down", check=False)


def _up(embedded: Embedded, factor: float) -> None:
    prefix = "horizontal-pod-autoscaler"
    flags = [f"--controllers={prefix}-{name}={seconds / factor:g}s" for name, seconds in CONTROLLERS.items()]
    extras = [f"--with={name}" for name in EXTRAS]
    command = [sys.executable, "-m", "cluster", "--root", str(embedded.root.path), "up"]
    subprocess.run([*command, "--gateway-port", str(free_port()), *extras, *flags], cwd=CLONE, check=True)
    _look_for_targets_often(embedded)
    # It reads the pods' real use of the CPU, under the same name as the modelled one.
    embedded.kubectl("delete", "servicemonitor", "kubelet", "--namespace=monitoring", "--ignore-not-found")
    embedded.apply(objects.namespace(), objects.program())
    plan = stack.plan("vllm", policies.LEAST, policies.MOST)
    embedded.apply(objects.monitor(plan, running.SCRAPE / factor))


def _look_for_targets_often(embedded: Embedded) -> None:
    """Prometheus takes up new pods every 5 s, which no scrape interval changes: more than a minute of the trace."""
    where, often = "--namespace=monitoring", {"name": "scrape.discovery-reload-interval", "value": "1s"}
    patch = json.dumps({"spec": {"additionalArgs": [often]}})
    embedded.kubectl("patch", "prometheus", "prometheus", where, "--type=merge", "--patch", patch)
    seen = ("get", "statefulset", "prometheus-prometheus", where, "--output=yaml")
    eventually("the operator has heard", lambda: often["name"] in embedded.kubectl(*seen))
    embedded.kubectl("rollout", "status", "statefulset/prometheus-prometheus", where)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ways to scale, in a closed loop on a real control plane.")
    keys = [*(policy.key for policy in policies.compared()), llama.KEY]
    parser.add_argument("--trace", type=Path, default=TRACE, help="CSV of a real trace")
    parser.add_argument("--only", type=lambda text: text.split(","), default=keys, help=f"of {', '.join(keys)}")
    parser.add_argument("--minutes", type=float, default=20, help="of the trace, at twice its rate")
    parser.add_argument("--factor", type=float, default=COMPRESSION, help="seconds of the trace in one of the clock")
    parser.add_argument("--out", type=Path, default=CLONE / ".substrate" / "closed-loop")
    parser.add_argument("--root", type=Path, help="a cluster's folder to use, and to leave up")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
