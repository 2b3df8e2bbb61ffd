"""SIGKILL at any point: never a readable wrong set, and hardly a byte fetched twice, counted at the server."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.stager import sets, weed
from tests.stager.integration.conftest import LARGE_PREFIX
from tests.stager.reader import Reader
from tests.stager.webserver import Server, Site, serving

KILLS = 20
LAST = 0.9  # of the set; one that is nearer to its end may get there before the kill does
MOST_REPEATED = 0.05  # of the set's bytes


def source(server: weed.Weed, kind: str) -> dict[str, Any]:
    if kind == "s3":
        return {"uri": f"s3://{weed.PUBLIC}/{LARGE_PREFIX}/", "endpoint": server.endpoint, "anonymous": True}
    return {"uri": f"{server.https}/{weed.PUBLIC}/{LARGE_PREFIX}/"}


def test_the_server_counts_every_byte_that_it_sends(
    server: weed.Weed, large: Mapping[str, Any], tmp_path: Path
) -> None:
    """The measure of the next test: an undisturbed staging is counted as exactly its bytes."""
    command = sets.Command(tmp_path, {**large, "source": source(server, "s3")}, tmp_path / "volume")
    command.volume.mkdir()
    before = server.sent()
    assert command.run().code == 0
    assert server.sent() - before == sum(file["size"] for file in large["files"])


@pytest.mark.parametrize(("kind", "seed"), [("s3", 11), ("https", 12)])
def test_twenty_kills_never_show_a_wrong_set_and_repeat_at_most_five_per_cent(
    server: weed.Weed, large: Mapping[str, Any], tmp_path: Path, kind: str, seed: int
) -> None:
    total = sum(file["size"] for file in large["files"])
    rnd = random.Random(seed)
    points = sorted(rnd.uniform(0, LAST) for _ in range(KILLS))
    print(f"seed {seed}, killed at {', '.join(f'{100 * point:.1f} %' for point in points)}")
    given = {**large, "source": source(server, kind)}
    command = sets.Command(tmp_path, given, tmp_path / "volume", SSL_CERT_FILE=str(server.authority))
    command.volume.mkdir()
    before, killed = server.sent(), 0
    with Reader(command.volume, given) as reader:
        for point in points:
            process = command.start()
            while process.poll() is None and sets.on_disk(command.volume) < point * total:
                time.sleep(0.002)
            killed += process.poll() is None
            process.kill()
            command.end(process)
        last = command.run()
    repeated = (server.sent() - before) / total - 1
    print(f"{killed} kills, {100 * repeated:.2f} % fetched twice, {reader.looks} looks of the reader; {last.last}")
    assert last.code == 0
    assert killed == KILLS
    assert reader.wrong == [] and reader.hashed
    assert 0 <= repeated <= MOST_REPEATED


def test_kills_at_any_moment_of_a_run_leave_nothing_or_the_whole_set(tmp_path: Path) -> None:
    """The moments around sealing, receipt and rename, which a count of bytes does not reach."""
    seed = 13
    rnd = random.Random(seed)
    contents = {f"{number % 5}/{number}.bin": sets.noise(20_000, number) for number in range(40)}
    share = sets.put(tmp_path / "share", contents)
    given = sets.document(contents, {"uri": share.as_uri() + "/"})
    command = sets.Command(tmp_path, given, tmp_path / "volume")
    command.volume.mkdir()
    began = time.monotonic()
    assert command.run().code == 0
    usual = time.monotonic() - began
    whole = 0
    for _ in range(40):
        shutil.rmtree(command.volume / given["digest"], ignore_errors=True)
        with Reader(command.volume, given) as reader:
            process = command.start()
            time.sleep(rnd.uniform(0.2, 1.1) * usual)
            process.kill()
            command.end(process)
            whole += (command.volume / given["digest"]).exists()
        assert reader.wrong == []
    print(f"seed {seed}: {whole} of 40 kills came after the rename")
    assert command.run().code == 0
    assert sets.published(command.volume, given["digest"]) == contents


def test_a_kill_during_a_file_that_comes_only_whole_begins_it_again(tmp_path: Path) -> None:
    contents = {"model.bin": sets.noise(3_000_000)}
    with serving(Server(Site(files=dict(contents), ranges=False))) as web:
        given = sets.document(contents, {"uri": web.url + "/"})
        command = sets.Command(tmp_path, given, tmp_path / "volume")
        command.volume.mkdir()
        for delay in (0.3, 0.4, 0.5):
            process = command.start()
            time.sleep(delay)
            process.kill()
            command.end(process)
        assert command.run().code == 0
    assert sets.published(command.volume, given["digest"]) == contents
