"""The lease: one holder at a time, taken over only from one that is dead, released or silent; no lock is relied on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stager import lease
from stager.lease import Holder, Lease, LeaseLost, acquire


def take(folder: Path, seconds: float = 60.0) -> Lease:
    held = acquire(folder, folder.parent, seconds)
    assert isinstance(held, Lease), held
    return held


def refused(folder: Path) -> Holder:
    held = acquire(folder, folder.parent, 60.0)
    assert isinstance(held, Holder)
    return held


def foreign(folder: Path, number: int, silent: float, seconds: float = 60.0) -> Path:
    """A lease of a process on another machine, without a heartbeat for so many seconds."""
    folder.mkdir(exist_ok=True)
    path = folder / f"lease.{number}"
    path.write_text(json.dumps({"host": "node-7", "pid": 1, "boot": "other", "namespace": "other", "seconds": seconds}))
    then = time.time() - silent
    os.utime(path, (then, then))
    return path


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_held_lease_is_refused_and_its_holder_named(tmp_path: Path) -> None:
    take(tmp_path / "a")
    assert f"process {os.getpid()}" in refused(tmp_path / "a").description


def test_a_released_lease_is_taken_at_once(tmp_path: Path) -> None:
    take(tmp_path / "a").release()
    assert take(tmp_path / "a").number == 2


def test_the_lease_of_a_killed_process_is_taken_at_once(tmp_path: Path) -> None:
    foreign(tmp_path / "a", 1, silent=0)
    content = {"pid": ended_process(), "start": "1", "seconds": 60.0, **lease._where()}
    (tmp_path / "a" / "lease.1").write_text(json.dumps(content))
    assert take(tmp_path / "a").number == 2


def test_a_process_number_that_was_given_to_another_process_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    foreign(tmp_path / "a", 1, silent=0)
    content = {"pid": os.getpid(), "start": "1", "seconds": 60.0, **lease._where()}
    (tmp_path / "a" / "lease.1").write_text(json.dumps(content))
    assert take(tmp_path / "a").number == 2


def test_a_process_of_another_pid_namespace_is_not_judged_by_its_number(tmp_path: Path) -> None:
    foreign(tmp_path / "a", 1, silent=5)
    assert "node-7" in refused(tmp_path / "a").description


def test_a_silent_lease_is_taken_after_the_seconds_it_promised_itself(tmp_path: Path) -> None:
    foreign(tmp_path / "a", 1, silent=30, seconds=20.0)
    foreign(tmp_path / "b", 1, silent=30, seconds=60.0)
    assert take(tmp_path / "a").number == 2
    refused(tmp_path / "b")


def test_silence_is_measured_on_the_volumes_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(tmp_path / "a", 1, silent=0)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    refused(tmp_path / "a")


def test_a_lease_file_that_is_still_empty_is_respected(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "lease.1").touch()
    refused(tmp_path / "a")


def test_a_heartbeat_keeps_the_lease(tmp_path: Path) -> None:
    held = take(tmp_path / "a", seconds=0.5)
    path = tmp_path / "a" / "lease.1"
    first = path.stat().st_mtime_ns
    deadline = time.monotonic() + 30
    while path.stat().st_mtime_ns == first and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.stat().st_mtime_ns > first
    held.check()


def test_a_holder_that_was_taken_over_writes_no_more(tmp_path: Path) -> None:
    held = take(tmp_path / "a", seconds=0.3)
    held._over.set()  # frozen: no heartbeat
    before = time.monotonic()
    while time.monotonic() - before < 0.4:
        time.sleep(0.05)
    successor = take(tmp_path / "a")
    with pytest.raises(LeaseLost):
        thawed(held).check()
    successor.check()


def thawed(held: Lease) -> Lease:
    held._over.clear()
    return held


def test_a_holder_that_was_frozen_and_not_taken_over_goes_on(tmp_path: Path) -> None:
    held = take(tmp_path / "a")
    held._trusted_until = 0.0
    held.check()


def test_a_holder_that_has_lost_does_not_release_what_is_no_longer_its_own(tmp_path: Path) -> None:
    held = take(tmp_path / "a")
    foreign(tmp_path / "a", 2, silent=0)
    held._trusted_until = 0.0
    with pytest.raises(LeaseLost):
        held.check()
    held.release()
    refused(tmp_path / "a")


def test_a_taker_withdraws_when_the_holder_beats_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = foreign(tmp_path / "a", 1, silent=1000)
    create = lease._create

    def beaten(folder: Path, number: int, seconds: float) -> bool:
        os.utime(old)
        return create(folder, number, seconds)

    monkeypatch.setattr(lease, "_create", beaten)
    assert "believed dead" in refused(tmp_path / "a").description


def test_the_work_of_the_last_holder_is_taken_over_under_the_new_number(tmp_path: Path) -> None:
    first = take(tmp_path / "a")
    (first.work / "part").write_text("half")
    first.release()
    second = take(tmp_path / "a")
    assert (second.work / "part").read_text() == "half"
    assert not first.work.exists()


def test_of_many_who_try_at_once_one_gets_it(tmp_path: Path) -> None:
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        if attempt % 2:
            foreign(folder, 1, silent=1000)
        start = threading.Barrier(16)
        got: list[Lease] = []

        def compete(folder: Path = folder, start: threading.Barrier = start, got: list[Lease] = got) -> None:
            start.wait()
            held = acquire(folder, tmp_path, 60.0)
            if isinstance(held, Lease):
                got.append(held)

        threads = [threading.Thread(target=compete) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1, f"attempt {attempt}: {[held.number for held in got]}"
        got[0].check()
