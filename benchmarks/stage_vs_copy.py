"""Staging from a real S3 server against a verified local copy of the same bytes, in the same rounds.

    python -m benchmarks.stage_vs_copy [--megabytes 2000] [--rounds 5] [--parallel 8] [--folder DIR]

A round measures, each onto an empty folder of the same file system after a sync, in turn:

    stage    python -m stager from SeaweedFS on loopback: fetch, sha256, fsync, rename; interpreter start included
    copy     cp, then sha256sum of every file (one process a core), then sync of every file and folder
    rerun    python -m stager over the set that is there already

It prints the medians, their spread, and the ratio stage / copy. Both sides read from the page cache; the server's share
of the processor is in `stage`, as it is on no real node. Imports the stager's test server, nothing of the other rooms.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.stager import sets, weed

SHARES = (0.35, 0.3, 0.2, 0.1, 0.05)  # of the bytes: shards of a model differ in size
COPY = 'cp -r "$1" "$2" && find "$2" -type f -print0 | xargs -0 -n1 -P"$(nproc)" sha256sum >/dev/null && '
SYNC = 'find "$2" -print0 | xargs -0 sync'


def main() -> None:
    """Measure, and print one line a round and a table at the end."""
    given = _arguments()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="stage-vs-copy-") as name:
        folder = Path(name)
        (folder / "weed").mkdir()
        server = weed.start(folder / "weed")
        try:
            listing = _upload(server, folder / "source", given.megabytes * 1_000_000)
            _report(listing, _rounds(server, listing, folder, given))
        finally:
            server.process.kill()
            server.process.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Staging from S3 against a verified local copy.")
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--folder", type=Path, default=None, help="where to work; default the temporary folder")
    return parser.parse_args()


def _upload(server: weed.Weed, source: Path, total: int) -> dict[str, Any]:
    """The set on disk and in the bucket; its listing."""
    contents = {f"model-{n}.bin": sets.noise(int(total * share), n) for n, share in enumerate(SHARES)}
    sets.put(source, contents)
    client = server.client()
    for path in contents:
        client.upload_file(str(source / path), weed.PUBLIC, f"set/{path}")
    return sets.document(contents, {"uri": f"s3://{weed.PUBLIC}/set/", "endpoint": server.endpoint, "anonymous": True})


def _rounds(
    server: weed.Weed, listing: Mapping[str, Any], folder: Path, given: argparse.Namespace
) -> dict[str, list[float]]:
    volume, copied = folder / "volume", folder / "copy"
    command = sets.Command(folder, listing, volume)
    took: dict[str, list[float]] = {"stage": [], "copy": [], "rerun": []}
    for number in range(given.rounds):
        volume.mkdir()
        took["stage"].append(_timed(lambda: _stage(command, given.parallel, "published")))
        took["rerun"].append(_timed(lambda: _stage(command, given.parallel, "complete already")))
        took["copy"].append(_timed(lambda: _copy(folder / "source", copied)))
        shutil.rmtree(volume)
        shutil.rmtree(copied)
        print(f"round {number + 1}: " + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in took.items()))
    return took


def _timed(action: Callable[[], None]) -> float:
    os.sync()
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _stage(command: sets.Command, parallel: int, expected: str) -> None:
    ended = command.run("--parallel", str(parallel))
    if not ended.last.startswith(expected):
        sys.exit(f"the stager did not do what is measured: {ended.lines}")


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["sh", "-c", COPY + SYNC, "sh", str(source), str(target)], check=True)


def _report(listing: Mapping[str, Any], took: Mapping[str, list[float]]) -> None:
    total = sum(file["size"] for file in listing["files"])
    medians = {name: statistics.median(times) for name, times in took.items()}
    for name, times in took.items():
        rate = f", {total / medians[name] / 1e6:.0f} MB/s" if name != "rerun" else ""
        print(f"{name}: median {medians[name]:.2f} s{rate} ({min(times):.2f} to {max(times):.2f})")
    ratios = [stage / copy for stage, copy in zip(took["stage"], took["copy"], strict=True)]
    print(f"stage / copy: {statistics.median(ratios):.2f} (median of the rounds, {total / 1e6:.0f} MB)")
    print(json.dumps({"megabytes": total / 1e6, "medians": medians, "ratio": statistics.median(ratios)}))


if __name__ == "__main__":
    main()
