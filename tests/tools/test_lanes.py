"""Every lane of the tests runs once, in its track's order, and one that fails fails the whole."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests import lanes


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path) -> dict[str, str]:
    """What each lane runs in place of pytest: it says its name, and whatever a test adds to it."""
    found = {lane: f"print({lane!r}, 'ran')" for lane in lanes.LANES}
    monkeypatch.setattr(lanes, "command", lambda lane, picked: [sys.executable, "-c", found[lane]])
    monkeypatch.setattr(lanes, "ROOT", tmp_path)
    monkeypatch.setattr(lanes.signal, "signal", lambda *_: None)  # this process keeps its own
    return found


def test_every_lane_is_in_one_track():
    assert sorted(lane for track in lanes.TRACKS for lane in track) == sorted(lanes.LANES)


def test_every_test_that_needs_a_cluster_is_where_lanes_look_for_it():
    root = Path(lanes.__file__).parents[1]
    marked = {
        path
        for path in root.glob("tests/**/test_*.py")
        if re.search(r"pytest\.mark\.(cluster|extras)", path.read_text())
    }

    found = {path for folder in lanes.CLUSTERED for path in root.glob(f"{folder}/**/test_*.py")}
    assert marked - found == set()


def test_all_lanes_run_and_those_of_a_track_one_after_the_other(programs, capsys):
    assert lanes.main() == 0
    said = capsys.readouterr().out

    assert all(said.count(f"{lane:<7} | {lane} ran\n") == 1 for lane in lanes.LANES)
    for track in lanes.TRACKS:
        places = [said.index(f"{lane:<7} | ended with 0") for lane in track]
        starts = [said.index(f"{lane:<7} | {lane} ran") for lane in track]
        assert all(start > end for start, end in zip(starts[1:], places, strict=False))


@pytest.mark.parametrize("lane", sorted(lanes.LANES))
def test_lane_that_fails_fails_the_whole_and_is_named(programs, capsys, lane):
    programs[lane] += "; raise SystemExit(1)"

    assert lanes.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{lane}: ended before it could say which tests failed",
        f"failed: {lane}; see the lines that begin so",
    ]


def test_tests_that_failed_are_named_at_the_end_with_how_their_messages_begin_and_end(programs, capsys):
    """A log that is cut keeps its end."""
    message = "&#10;".join(f"line {number}" for number in range(20))
    lanes.results("own").parent.mkdir()
    case = f'<testcase classname="tests.a" name="test_b"><failure message="{message}"/></testcase>'
    told = f'<testsuite><testcase classname="tests.a" name="test_c"/>{case}</testsuite>'
    programs["own"] = f"open({str(lanes.results('own'))!r}, 'w').write({told!r}); raise SystemExit(1)"

    assert lanes.main() == 1
    shown = [*(f"line {number}" for number in range(4)), "...", *(f"line {number}" for number in range(12, 20))]
    assert capsys.readouterr().err.splitlines() == [
        "own: tests.a::test_b",
        *(f"    {line}" for line in shown),
        "failed: own; see the lines that begin so",
    ]
