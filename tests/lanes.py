"""All tests, in lanes that run beside each other, since most of a cluster's time is waiting. Run by `make test`.

A lane is a pytest of its own with its own results in .substrate/results-<lane>.xml; what it says comes line by line
with the lane's name before it. Imports the standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
# What waits for longest; clusters of their own for it, since every stack is of one name.
APART: dict[str, tuple[str, ...]] = {
    "kserve": ("tests/cluster/test_extra_kserve.py", "tests/e2e/test_kserve.py", "tests/e2e/test_payload_logs.py"),
    "vllm": ("tests/e2e/test_vllm.py",),
    # Not where fake GPUs are, whose stacks would follow what scales; nor beside a move of vLLM, which needs both cores.
    "scaling": (
        "tests/cluster/test_extra_prometheus.py",
        "tests/cluster/test_extra_keda.py",
        "tests/cluster/test_extra_http_add_on.py",
        "tests/e2e/test_scaling.py",
        "tests/e2e/test_observability.py",
    ),
    # Where KEDA is not, which would have the group of external metrics.
    "adapter": ("tests/cluster/test_extra_prometheus_adapter.py",),
}
# Where every test that needs a cluster is: to look for them among all others takes a quarter of a minute.
CLUSTERED = ("tests/cluster", "tests/e2e")
# Of the tests without a cluster those that run real programs: half of their time.
PROGRAMS = ("tests/engine", "tests/stager")
# The cluster that a lane's tests share, and those that tests bring up for themselves, do not meet.
LANES: dict[str, tuple[str, ...]] = {
    "alone": ("-m", "not cluster", *(f"--ignore={folder}" for folder in PROGRAMS)),
    "engine": ("-m", "not cluster", *PROGRAMS),
    **{lane: ("-m", "extras", *files) for lane, files in APART.items()},
    "extras": ("-m", "extras", *CLUSTERED, *(f"--ignore={file}" for files in APART.values() for file in files)),
    "own": ("-m", "cluster and not extras", *CLUSTERED),
}
# What runs at once, in each one lane after the other: with more clusters two cores are too busy for vLLM's start. What
# waits for minutes begins first, and what needs no cluster takes the cores that the first that end leave.
TRACKS = (("scaling", "vllm"), ("kserve", "alone"), ("extras", "adapter"), ("own", "engine"))
# Programs in Go collect their garbage a quarter as often: nearly all end before it is worth collecting.
ENVIRONMENT = {"GOGC": "400", "GOMEMLIMIT": "1GiB"}
# Of what a test failed with: how it begins, and where a program said why it ended.
_FIRST_LINES, _LAST_LINES = 4, 8


def results(lane: str) -> Path:
    return ROOT / ".substrate" / f"results-{lane}.xml"


def failures(lane: str) -> Iterator[str]:
    """Each test of a lane that failed, with how its message begins."""
    if not results(lane).exists():
        yield f"{lane}: ended before it could say which tests failed"
        return
    for case in ElementTree.parse(results(lane)).iter("testcase"):
        for what in (*case.iter("failure"), *case.iter("error")):
            said = (what.get("message") or "").splitlines()
            rest = said[_FIRST_LINES:]
            shown = said[:_FIRST_LINES] + ["..."] * (len(rest) > _LAST_LINES) + rest[-_LAST_LINES:]
            yield "\n    ".join((f"{lane}: {case.get('classname')}::{case.get('name')}", *shown))


def command(lane: str, picked: tuple[str, ...]) -> list[str]:
    """One cache of what failed last for several runs would hold one lane's."""
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={results(lane)}", *picked]


class Run:
    """All lanes, each a process; `end` is Ctrl-C's way: those that run take their clusters down, and none follows."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.failed: list[str] = []
        self.ended = threading.Event()

    def track(self, lanes: Sequence[str]) -> None:
        for lane in lanes:
            if not self.ended.is_set():
                self.lane(lane)

    def lane(self, lane: str) -> None:
        process = subprocess.Popen(
            command(lane, LANES[lane]),
            cwd=ROOT,
            env={**ENVIRONMENT, **os.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # in sessions of their own they hear of Ctrl-C once
        )
        self.running[lane] = process
        assert process.stdout
        for line in process.stdout:
            print(f"{lane:<7} | {line}", end="", flush=True)
        # pytest says 5 where it found no test at all: a lane without tests is a lane that tests nothing.
        code = process.wait()
        del self.running[lane]
        if code:
            self.failed.append(lane)
        print(f"{lane:<7} | ended with {code} after {(time.monotonic() - self.began) / 60:.1f} min", flush=True)

    def end(self, *_: object) -> None:
        self.ended.set()
        for process in list(self.running.values()):
            process.send_signal(signal.SIGINT)


def main() -> int:
    folder = results("any").parent
    folder.mkdir(exist_ok=True)
    for old in folder.glob(results("*").name):
        old.unlink()
    run = Run()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, run.end)
    tracks = [threading.Thread(target=run.track, args=(lanes,)) for lanes in TRACKS]
    for track in tracks:
        track.start()
    for track in tracks:
        track.join()
    for lane in run.failed:
        print(*failures(lane), sep="\n", file=sys.stderr)
    if run.failed or run.ended.is_set():
        said = f"failed: {', '.join(run.failed)}; see the lines that begin so" if run.failed else "ended before the end"
        print(said, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
