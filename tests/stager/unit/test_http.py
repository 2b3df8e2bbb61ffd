"""An https source: ranges, retries, versions and refusals, against a real server with the faults of real ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from stager.errors import SourceRefused, SourceUnavailable
from stager.sources.http import retry_after
from stager.stage import stage
from tests.stager import sets
from tests.stager.webserver import (
    Server,
    Site,
    answering,
    ignoring_range,
    passing,
    replacing,
    resetting,
    serving,
    stalling,
)

BIG = 3_000_000  # several chunks of the smallest size
CONTENTS = {"model.bin": sets.noise(BIG), "nested/config.json": b'{"a": 1}', "empty.txt": b"", "sp ace#%.txt": b"odd"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(Site(files=dict(CONTENTS)))) as running:
        yield running


def stage_from(
    server: Server, volume: Path, contents: dict[str, bytes] = CONTENTS, parallel: int = 4
) -> dict[str, bytes]:
    listed = sets.listed(contents, uri=server.url + "/")
    stage(listed, sets.options(volume, parallel=parallel))
    return sets.published(volume, listed.digest)


def one(name: str = "model.bin") -> dict[str, bytes]:
    return {name: CONTENTS[name]}


def test_a_set_is_published_as_the_server_has_it(server: Server, tmp_path: Path) -> None:
    assert stage_from(server, tmp_path) == CONTENTS


def test_a_large_file_is_fetched_in_ranges_and_each_byte_once(server: Server, tmp_path: Path) -> None:
    stage_from(server, tmp_path, one())
    ranges = [request.headers["range"] for request in server.site.asked("GET")]
    assert len(ranges) > 4 and len(set(ranges)) == len(ranges)
    assert server.site.sent == BIG


def test_a_source_without_head_is_probed_by_its_first_byte(server: Server, tmp_path: Path) -> None:
    server.site.heads = False
    assert stage_from(server, tmp_path) == CONTENTS


def test_a_server_without_ranges_sends_each_file_once_and_whole(server: Server, tmp_path: Path) -> None:
    server.site.ranges = False
    assert stage_from(server, tmp_path) == CONTENTS


def test_a_file_that_comes_only_whole_begins_again_after_a_reset(server: Server, tmp_path: Path) -> None:
    server.site.ranges = False
    server.site.faults.extend([passing, resetting(after=1_000_000), resetting(after=2_000_000)])
    assert stage_from(server, tmp_path, one()) == one()


def test_a_server_that_ignores_one_range_is_read_whole_from_then_on(server: Server, tmp_path: Path) -> None:
    server.site.faults.extend([passing, ignoring_range])
    assert stage_from(server, tmp_path, one(), parallel=1) == one()


def test_a_reset_in_the_middle_goes_on_at_the_very_byte(server: Server, tmp_path: Path) -> None:
    server.site.faults.extend([resetting(after=100_000), resetting(after=65_536), resetting(after=0)])
    assert stage_from(server, tmp_path, one(), parallel=1) == one()
    starts = [int(request.headers["range"][6:].partition("-")[0]) for request in server.site.asked("GET")]
    assert starts[0] == 0 and 0 < starts[1] <= 100_000
    assert server.site.sent < BIG + 200_000


def test_many_resets_are_survived_as_long_as_bytes_come(server: Server, tmp_path: Path) -> None:
    server.site.faults.extend([resetting(after=70_000)] * 20)
    assert stage_from(server, tmp_path, one(), parallel=1) == one()


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_passing_status_is_tried_again(server: Server, tmp_path: Path, code: int) -> None:
    server.site.faults.extend([answering(code), answering(code)])
    assert stage_from(server, tmp_path, one()) == one()


def test_retry_after_is_honoured(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []
    delay = type(sets.HURRIED).delay

    def noted(self: object, failures: int, asked: float | None) -> float:
        waited.append(asked)
        return delay(sets.HURRIED, failures, asked)

    monkeypatch.setattr(type(sets.HURRIED), "delay", noted)
    server.site.faults.append(answering(503, Retry_After="1"))
    assert stage_from(server, tmp_path, one()) == one()
    assert waited == [1.0]


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after("7") == 7.0
    assert 50 < (retry_after(soon) or 0) <= 60
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after("soon") is retry_after(None) is retry_after("") is None


def test_a_source_that_stays_down_ends_with_6_and_keeps_what_came(server: Server, tmp_path: Path) -> None:
    server.site.faults.extend([passing] * 4 + [answering(503)] * 100)
    with pytest.raises(SourceUnavailable) as raised:
        stage_from(server, tmp_path, one(), parallel=1)
    assert raised.value.code == 6
    assert "503" in raised.value.lines()[-1] and "tries" in raised.value.lines()[-1]
    server.site.faults.clear()
    before = server.site.sent
    assert stage_from(server, tmp_path, one()) == one()
    assert server.site.sent - before <= BIG - 1_000_000


def test_a_source_that_goes_silent_is_given_up_after_the_read_timeout(server: Server, tmp_path: Path) -> None:
    server.site.faults.append(stalling(2.0))
    assert stage_from(server, tmp_path, one()) == one()


def test_a_server_that_is_not_there_ends_with_6(tmp_path: Path) -> None:
    listed = sets.listed(CONTENTS, uri="http://127.0.0.1:9/x/")
    with pytest.raises(SourceUnavailable, match="failed for now"):
        stage(listed, sets.options(tmp_path))


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_refusal_is_not_tried_again_and_names_the_file(server: Server, tmp_path: Path, code: int) -> None:
    server.site.heads = False
    server.site.faults.append(answering(code))
    with pytest.raises(SourceRefused) as raised:
        stage_from(server, tmp_path, one())
    assert raised.value.code == 4
    assert f"/model.bin: {code}" in raised.value.lines()[-1]
    assert len(server.site.asked("GET")) == 1


def test_every_file_that_the_source_lacks_is_named(server: Server, tmp_path: Path) -> None:
    del server.site.files["model.bin"], server.site.files["empty.txt"]
    with pytest.raises(SourceRefused) as raised:
        stage_from(server, tmp_path)
    assert len(raised.value.problems) == 2
    assert all("404" in problem for problem in raised.value.problems)


@pytest.mark.parametrize("conditions", [True, False])
def test_a_file_overwritten_in_the_middle_is_never_mixed(server: Server, tmp_path: Path, conditions: bool) -> None:
    old = sets.noise(BIG, seed=7)
    server.site.files["model.bin"] = old
    server.site.conditions = conditions
    server.site.faults.extend([passing, replacing("model.bin", CONTENTS["model.bin"])])
    assert stage_from(server, tmp_path, one(), parallel=1) == one()


def test_a_file_that_changes_at_every_look_ends_with_6(server: Server, tmp_path: Path) -> None:
    for seed in range(1, 41):
        server.site.faults.extend([passing, replacing("model.bin", sets.noise(BIG, seed))])
    with pytest.raises(SourceUnavailable, match="failed for now") as raised:
        stage_from(server, tmp_path, one(), parallel=1)
    assert "keeps changing" in raised.value.lines()[-1]


def test_what_an_earlier_run_fetched_of_another_version_is_dropped(server: Server, tmp_path: Path) -> None:
    server.site.files["model.bin"] = sets.noise(BIG, seed=7)
    server.site.faults.extend([passing] * 4 + [answering(503)] * 100)
    with pytest.raises(SourceUnavailable):
        stage_from(server, tmp_path, one(), parallel=1)
    server.site.faults.clear()
    server.site.files["model.bin"] = CONTENTS["model.bin"]
    before = server.site.sent
    assert stage_from(server, tmp_path, one()) == one()
    assert server.site.sent - before == BIG


def test_a_server_that_compresses_is_refused(server: Server, tmp_path: Path) -> None:
    def compressing(handler: object) -> bool:
        handler.send_response(200)  # type: ignore[attr-defined]
        handler.send_header("Content-Encoding", "gzip")  # type: ignore[attr-defined]
        handler.send_header("Content-Length", "0")  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]
        return True

    server.site.heads = False
    server.site.faults.append(compressing)
    with pytest.raises(SourceRefused, match="refused") as raised:
        stage_from(server, tmp_path, one())
    assert "compresses" in raised.value.lines()[-1]
