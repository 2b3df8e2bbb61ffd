"""What the front door and the payload logger cost a request, against the same request sent to the engine itself.

    python -m benchmarks.proxies_vs_direct [--requests 300] [--rounds 5]

A cluster of its own is brought up and taken down. The engine is a stub that answers at once with what it was sent, so
that nearly all of the time is the way there. A round measures, one request after the other over one connection from
beside the node, the median of the requests:

    direct        to the stub's pod
    front door    by Envoy, which reads the body for the model's name
    sidecar       by the payload logger in the stub's own pod, which sends a copy of both halves to a sink

It prints the medians of the rounds, their ratios to `direct`, and what both programs hold in memory afterwards. Imports
the tests' objects, nothing of the other rooms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.embedded.layout import Root
from substrate.manifests.envoy import api
from tests.cluster import front_doors, llamas
from tests.cluster import payload_logs as logs
from tests.cluster.conftest import Embedded, wait_ready
from tests.ports import free_port

TEAM, DOOR, STUB = "team", "door", "stub"
_CLOCK = """import http.client, json, statistics, sys, time
host, port, body, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
client, took = http.client.HTTPConnection(host, port, timeout=20), []
for _ in range(count):
    start = time.perf_counter()
    client.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    answer = client.getresponse()
    read = answer.read()
    assert answer.status == 200, read
    took.append(time.perf_counter() - start)
print(statistics.median(took))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="What the proxies cost, against no proxy.")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with cluster() as running:
        ways = {
            "direct": (address(running, TEAM, f"app={STUB}"), llamas.PORT),
            "front door": (address(running, DOOR, "app.kubernetes.io/name=front-door"), api.PORT),
            "sidecar": (address(running, TEAM, f"app={STUB}"), logs.LISTEN),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(given.rounds):
            for name, way in ways.items():
                took[name].append(median_seconds(running, *way, given.requests))
        memory = {name: resident_mebibytes(running, name) for name in ("envoy", "payload-logger")}
    report(took, memory)


@contextmanager
def cluster() -> Iterator[Embedded]:
    """With a stub behind the sidecar, a sink, and the front door before both; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="proxies-vs-direct-") as folder:
        embedded = Embedded(Root.at(Path(folder) / "root"))
        try:
            embedded.up("--gateway-port", free_port(), "--with=front-door", "--with=payload-logging")
            for name in (TEAM, DOOR):
                embedded.make_namespace(name)
            door = front_doors.plan(DOOR, [front_doors.upstream(STUB, STUB)])
            pod = logs.logged(llamas.stub_pod(STUB, TEAM), TEAM)
            service = llamas.service(STUB, TEAM)
            service["spec"]["ports"][0]["targetPort"] = "engine"  # the front door's cost alone
            embedded.apply(*logs.sink(TEAM), pod, service)
            embedded.apply(*front_doors.objects(door))
            wait_ready(embedded, TEAM, STUB)
            logs.scale(embedded, TEAM, logs.SINK, 1)
            front_doors.wait_ready(embedded, DOOR)
            yield embedded
        finally:
            embedded.run("down", check=False)


def address(cluster: Embedded, where: str, selector: str) -> str:
    (pod,) = cluster.get("pods", "-n", where, "--selector", selector)["items"]
    return str(pod["status"]["podIP"])


def median_seconds(cluster: Embedded, host: str, port: int, requests: int) -> float:
    body = json.dumps({"model": STUB, "messages": [{"role": "user", "content": "x" * 400}]})
    return float(cluster.inside(sys.executable, "-c", _CLOCK, host, str(port), body, str(requests)))


def resident_mebibytes(cluster: Embedded, program: str) -> float:
    """Of the largest process of that name."""
    found = []
    for process in cluster.inside("pgrep", "-x", program).split():
        lines = cluster.inside("cat", f"/proc/{process}/status").splitlines()
        found.append(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024)
    return max(found)


def report(took: dict[str, list[float]], memory: dict[str, float]) -> None:
    for name, times in took.items():
        ratios = [through / direct for through, direct in zip(times, took["direct"], strict=True)]
        print(
            f"{name:<12} median {statistics.median(times) * 1000:.2f} ms ({min(times) * 1000:.2f} to "
            f"{max(times) * 1000:.2f}), {statistics.median(ratios):.2f} of direct"
        )
    print(", ".join(f"{name} {held:.0f} MiB resident" for name, held in memory.items()))


if __name__ == "__main__":
    main()
