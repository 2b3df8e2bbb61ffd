"""Several stagers of one set: one publishes, the others find it; one that is frozen or gone is taken over."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.stager import sets, weed
from tests.stager.reader import Reader
from tests.stager.webserver import Server, Site, passing, serving, stalling

RACERS = 8


def competing(folder: Path, given: dict[str, Any], count: int, volume: Path) -> list[sets.Command]:
    volume.mkdir()
    for number in range(count):
        (folder / str(number)).mkdir()
    return [sets.Command(folder / str(number), given, volume) for number in range(count)]


def test_of_eight_stagers_one_publishes_and_the_others_find_it(server: weed.Weed, tmp_path: Path) -> None:
    contents = {f"{number}.bin": sets.noise(4_000_000, number) for number in range(6)}
    server.put(weed.PUBLIC, "race", contents)
    given = sets.document(
        contents, {"uri": f"s3://{weed.PUBLIC}/race/", "endpoint": server.endpoint, "anonymous": True}
    )
    racers = competing(tmp_path, given, RACERS, tmp_path / "volume")
    before = server.sent()
    with Reader(tmp_path / "volume", given) as reader:
        processes = [racer.start() for racer in racers]
        ends = [racer.end(process) for racer, process in zip(racers, processes, strict=True)]
    assert [ended.code for ended in ends] == [0] * RACERS
    assert sum(ended.last.startswith("published") for ended in ends) == 1
    assert sum("complete already" in ended.last for ended in ends) == RACERS - 1
    assert reader.wrong == [] and reader.hashed
    assert server.sent() - before == sum(len(data) for data in contents.values())


def test_a_frozen_stager_is_taken_over_and_harms_nothing_when_it_wakes(tmp_path: Path) -> None:
    contents = {"model.bin": sets.noise(3_000_000)}
    with serving(Server(Site(files=dict(contents)))) as web:
        given = sets.document(contents, {"uri": web.url + "/"})
        first, second = competing(tmp_path, given, 2, tmp_path / "volume")
        web.site.faults.extend([passing] * 4 + [stalling(1.0)] * 4)
        frozen = first.start("--lease-seconds", "2", "--parallel", "4")
        until(frozen, lambda: web.site.sent > 500_000)
        frozen.send_signal(signal.SIGSTOP)
        web.site.faults.clear()
        with Reader(tmp_path / "volume", given) as reader:
            assert second.run("--lease-seconds", "2").last.startswith("published")
            state = snapshot(tmp_path / "volume" / given["digest"])
            frozen.send_signal(signal.SIGCONT)
            ended = first.end(frozen)
        assert ended.code == 0 and "complete already" in ended.last
        assert snapshot(tmp_path / "volume" / given["digest"]) == state
        assert reader.wrong == [] and reader.hashed


def test_a_killed_stager_is_taken_over_without_waiting_and_its_bytes_are_kept(tmp_path: Path) -> None:
    contents = {"model.bin": sets.noise(3_000_000)}
    with serving(Server(Site(files=dict(contents)))) as web:
        given = sets.document(contents, {"uri": web.url + "/"})
        first, second = competing(tmp_path, given, 2, tmp_path / "volume")
        web.site.faults.extend([passing] * 4 + [stalling(30.0)] * 4)
        killed = first.start("--lease-seconds", "3600", "--parallel", "4")
        until(killed, lambda: web.site.sent >= 4 * 262_144)
        time.sleep(0.5)
        killed.kill()
        first.end(killed)
        web.site.faults.clear()
        before = web.site.sent
        assert second.run().last.startswith("published")
        assert web.site.sent - before <= 3_000_000 - 4 * 262_144


def until(process: subprocess.Popen[str], reached: Any) -> None:
    while not reached():
        assert process.poll() is None
        time.sleep(0.01)


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Inode, mode and bytes of every file of a published set."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }
