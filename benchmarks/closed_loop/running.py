"""One policy in the closed loop: pods from one on, its autoscaler, the trace, and what came of it. Imports its room.

The harness sits beside the cluster; the generator runs inside its network and is told which pods are ready.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.closed_loop.generator import Record
from benchmarks.closed_loop.objects import Object
from benchmarks.closed_loop.stack import NAME, TEAM
from benchmarks.closed_loop.watch import Life, Pods, Watch, in_trace, is_ready
from cluster.embedded import shell
from cluster.embedded.layout import CLONE
from substrate.simulate.trace import Trace, read
from tests.cluster.conftest import Embedded, eventually
from tests.cluster.demands import query

_PODS = f"/api/v1/namespaces/{TEAM}/pods?watch=1&labelSelector=substrate.dev/model={NAME}"
_AUTOSCALERS = f"/apis/autoscaling/v2/namespaces/{TEAM}/horizontalpodautoscalers?watch=1"
# Prometheus' interval, in seconds of the trace.
SCRAPE = 15.0
_SAID_EVERY = 5.0  # seconds of the clock between two lines of progress

Say = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """The trace that all policies meet: `rate` times as many requests a second, its first `until` seconds then.

    `engine` names the body that its requests have.
    """

    trace: Path
    rate: float
    until: float
    factor: float
    engine: str = "stand-in"

    def requests(self) -> Trace:
        return read(self.trace).faster(self.rate).between(0, self.until)


@dataclass(frozen=True)
class Ran:
    """One run, in seconds of the trace. `decisions` is what the autoscaler said of itself, by the second; `busy` the
    share of the machine's processors that was in use, by everybody; `scraped` when Prometheus first read each pod that
    was there before.
    """

    records: list[Record]
    lives: list[Life]
    decisions: list[tuple[float, dict[str, Any]]]
    busy: float
    scraped: list[float]


def run(cluster: Embedded, engines: Object, autoscaler: Object | None, load: Load, say: Say) -> Ran:
    """Apply the engines and what scales them, wait until it sees them, replay the trace, and remove both."""
    with applied(cluster, engines):
        if autoscaler:
            cluster.apply(autoscaler)
            eventually("the autoscaler has its metrics", lambda: is_active(cluster), lambda: status(cluster))
        return _replayed(cluster, port_of(engines), load, say)


@contextmanager
def applied(cluster: Embedded, engines: Object) -> Iterator[None]:
    """The Deployment with all of its pods ready; it and every autoscaler are gone afterwards."""
    cluster.apply(engines)
    try:
        eventually("the engines are ready", lambda: ready(cluster) == engines["spec"]["replicas"])
        yield
    finally:
        where = ("--namespace", TEAM)
        cluster.kubectl("delete", "hpa", "--all", *where)
        cluster.kubectl("delete", "deployment", "--all", *where)
        cluster.kubectl("delete", "pods", "--all", *where, "--grace-period=1")
        eventually("the engines are gone", lambda: not cluster.get("pods", *where)["items"])


def ready(cluster: Embedded) -> int:
    return sum(is_ready(pod["status"]) for pod in cluster.get("pods", "--namespace", TEAM)["items"])


def status(cluster: Embedded) -> Any:
    (found,) = cluster.get("hpa", "--namespace", TEAM)["items"]
    return found.get("status", {})


def is_active(cluster: Embedded) -> bool:
    conditions = status(cluster).get("conditions", ())
    return any(one["type"] == "ScalingActive" and one["status"] == "True" for one in conditions)


def port_of(engines: Object) -> int:
    (container,) = engines["spec"]["template"]["spec"]["containers"]
    return int(container["ports"][0]["containerPort"])


def _replayed(cluster: Embedded, port: int, load: Load, say: Say) -> Ran:
    out = cluster.root.path / "answers.jsonl"
    generator = _generator(cluster, load, out)
    assert generator.stdin is not None and generator.stdout is not None
    heard: list[tuple[float, dict[str, Any]]] = []
    reads = last_reads(cluster)

    def tell(addresses: list[str]) -> None:
        assert generator.stdin is not None
        generator.stdin.write(json.dumps(addresses) + "\n")
        generator.stdin.flush()

    pods, kubectl = Pods(port, tell), _kubectl(cluster)
    with (
        Watch(kubectl, _AUTOSCALERS, lambda _, one: heard.append((time.monotonic(), one.get("status", {})))),
        Watch(kubectl, _PODS, pods.heard),
    ):
        begin, busy = _followed(generator.stdout, pods, load, say)
    if generator.wait():
        raise SystemExit(f"the generator ended with {generator.returncode}")
    records = [Record(**json.loads(line)) for line in out.read_text().splitlines()]
    decisions = [((at - begin) * load.factor, found) for at, found in heard if at > begin]
    lives = list(pods.lives.values())
    scraped = first_scrapes(reads, lives, begin, load.factor)
    return Ran(records, in_trace(lives, begin, load.factor), decisions, busy, scraped)


def last_reads(cluster: Embedded) -> dict[str, float]:
    """When Prometheus last read each pod, by its address: moments of the machine's monotonic clock."""
    behind = time.time() - time.monotonic()
    samples = query(cluster, f'timestamp(up{{namespace="{TEAM}"}})')
    return {one["metric"]["instance"].rsplit(":", 1)[0]: one["value"] - behind for one in samples}


def first_scrapes(reads: Mapping[str, float], lives: Sequence[Life], begin: float, factor: float) -> list[float]:
    """Of the pods that were there before, in seconds of the trace; each keeps its place in Prometheus' interval."""
    there = sorted((one for one in lives if one.created < begin <= one.gone), key=lambda one: one.created)
    if not all(one.address in reads for one in there):
        return []
    return [(reads[one.address] - begin) * factor % SCRAPE for one in there]


def _generator(cluster: Embedded, load: Load, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.closed_loop.generator", "--trace", str(load.trace.absolute())]
    command += ["--rate", str(load.rate), "--factor", str(load.factor), "--engine", load.engine, "--out", str(out)]
    command += ["--until", str(load.until)]
    # Before others, so that how late it is says nothing of them.
    first = ("nice", "-n", "-10", "env", f"PYTHONPATH={CLONE}")
    inside = shell.inside(cluster.root, (*first, *command))
    return subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _followed(lines: Iterator[str], pods: Pods, load: Load, say: Say) -> tuple[float, float]:
    """Tell of the generator's lines until they end; when the trace began, and how busy the machine was."""
    begin, told, work = 0.0, 0.0, _work()
    for line in lines:
        now, counts = time.monotonic(), json.loads(line)
        if not begin:
            begin, work = now - counts["at"] / load.factor, _work()
        if now - told > _SAID_EVERY:
            told = now
            say(_progress(counts, list(pods.lives.values()), now))
    used, passed = (after - before for after, before in zip(_work(), work, strict=True))
    return begin, used / passed


def _progress(counts: dict[str, float], lives: Sequence[Life], now: float) -> str:
    here = [one for one in lives if one.stopped > now]
    flying = counts["sent"] - counts["answered"] - counts["lost"]
    return (
        f"{counts['at'] / 60:5.1f} min: {len(here)} replicas, {sum(one.serves(now) for one in here)} ready, "
        f"{flying:.0f} in flight, {counts['answered']:.0f} answered, {counts['lost']:.0f} lost"
    )


def _work() -> tuple[float, float]:
    """Time that the machine's processors were busy, and all of it, in the kernel's ticks."""
    fields = [int(number) for number in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _kubectl(cluster: Embedded) -> list[str]:
    return [cluster.plan.binary("kubectl"), "--kubeconfig", str(cluster.kubeconfig)]
