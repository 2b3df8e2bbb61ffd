"""All tests, in lanes that run beside each other, since most of a cluster's time is waiting. Run by `make test`.

A lane is a pytest of its own with its own results in .substrate/results-<lane>.xml; what it says comes line by line
with the lane's name before it. Imports the standard library only.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
# What waits for longest; clusters of their own for it, since every stack is of one name.
APART: dict[str, tuple[str, ...]] = {
    "kserve": ("tests/cluster/test_extra_kserve.py", "tests/e2e/test_kserve.py"),
    # What scales is not where fake GPUs are, whose stacks would follow it.
    "vllm": (
        "tests/e2e/test_vllm.py",
        "tests/e2e/test_payload_logs.py",
        "tests/cluster/test_extra_prometheus.py",
        "tests/cluster/test_extra_keda.py",
        "tests/cluster/test_extra_http_add_on.py",
    ),
}
# The cluster that a lane's tests share, and those that tests bring up for themselves, do not meet.
LANES: dict[str, tuple[str, ...]] = {
    "alone": ("-m", "not cluster"),
    **{lane: ("-m", "extras", *files) for lane, files in APART.items()},
    "extras": ("-m", "extras", *(f"--ignore={file}" for files in APART.values() for file in files)),
    "own": ("-m", "cluster and not extras"),
}


def command(lane: str, picked: tuple[str, ...]) -> list[str]:
    """One cache of what failed last for several runs would hold one lane's."""
    results = f"--junitxml=.substrate/results-{lane}.xml"
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", results, *picked]


def follow(lane: str, process: subprocess.Popen[str], began: float) -> None:
    assert process.stdout
    for line in process.stdout:
        print(f"{lane:<6} | {line}", end="", flush=True)
    code = process.wait()
    # pytest says 5 where it found no test at all: a lane without tests is a lane that tests nothing.
    print(f"{lane:<6} | ended with {code} after {(time.monotonic() - began) / 60:.1f} min", flush=True)


def main() -> int:
    results = ROOT / ".substrate"
    results.mkdir(exist_ok=True)
    for old in results.glob("results-*.xml"):
        old.unlink()
    began = time.monotonic()
    processes: dict[str, subprocess.Popen[str]] = {}

    def end(*_: object) -> None:
        """As Ctrl-C does: each lane takes its clusters down first. In sessions of their own they hear of it once."""
        for process in processes.values():
            process.send_signal(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    for lane, picked in LANES.items():
        processes[lane] = subprocess.Popen(
            command(lane, picked),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    followers = [threading.Thread(target=follow, args=(lane, process, began)) for lane, process in processes.items()]
    for follower in followers:
        follower.start()
    for follower in followers:
        follower.join()
    failed = [lane for lane, process in processes.items() if process.returncode]
    if failed:
        print(f"failed: {', '.join(failed)}; see the lines that begin so", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
