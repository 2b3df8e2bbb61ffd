"""The whole job in this process, from a folder: going on after an interruption, and a plan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from stager import lease, listing, publish, stage, survey, transfer
from stager.errors import VerificationFailed, VolumeFailed
from stager.part import Part
from stager.sources.base import Remote
from tests.stager import sets
from tests.stager.unit.conftest import CONTENTS, Place

pytestmark = pytest.mark.usefixtures("umask")


# --- going on -----------------------------------------------------------------------------------------------


def interrupted_after(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    """The next staging fails at the volume after so many pieces, as if its machine had been switched off."""
    write, left = Part.write, [pieces]

    def limited(self: Part, data: bytes, at: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5, "Input/output error")
        write(self, data, at)

    monkeypatch.setattr(Part, "write", limited)


def test_a_second_run_fetches_only_what_the_first_did_not(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        interrupted_after(patched, 6)
        place.ends(VolumeFailed)
    asked: list[int] = []
    write = Part.write

    def counted(self: Part, data: bytes, at: int) -> None:
        asked.append(len(data))
        write(self, data, at)

    monkeypatch.setattr(Part, "write", counted)
    place.stage()
    assert sets.published(place.volume, place.listed.digest) == CONTENTS
    total = sum(len(data) for data in CONTENTS.values())
    assert sum(asked) <= total - 3 * 262_144  # two or three of the six pieces are small files


def test_partial_data_that_a_crash_damaged_is_fetched_once_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        interrupted_after(patched, 6)
        place.ends(VolumeFailed)
    partial = next(place.staging.rglob("model.bin"))
    with partial.open("r+b") as stream:  # what the journal claims was lost from the page cache
        stream.write(bytes(65536))
    place.stage()
    assert sets.published(place.volume, place.listed.digest) == CONTENTS


def test_a_source_that_is_wrong_is_still_wrong_after_a_resume(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = sets.noise(2_500_000, seed=8)
    (place.share / "model.bin").write_bytes(wrong)
    with monkeypatch.context() as patched:
        interrupted_after(patched, 6)
        place.ends(VolumeFailed)
    text = place.ends(VerificationFailed)
    assert text.count("model.bin: expected sha256") == 1
    assert not place.folder.exists()


def test_partial_data_of_another_version_is_dropped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.share / "model.bin").write_bytes(sets.noise(2_500_000, seed=8))
    with monkeypatch.context() as patched:
        interrupted_after(patched, 6)
        place.ends(VolumeFailed)
    (place.share / "model.bin").write_bytes(CONTENTS["model.bin"])
    os.utime(place.share / "model.bin", (1, 1))
    started: list[Part] = []
    monkeypatch.setattr(transfer.Transfer, "__init__", noting(transfer.Transfer.__init__, started))
    place.stage()
    assert [part.resumed for part in started if part.file.path == "model.bin"] == [False]
    assert sets.published(place.volume, place.listed.digest) == CONTENTS


def noting(init: object, started: list[Part]) -> object:
    def noted(self: object, parts: list[Part], *others: object) -> None:
        started.extend(parts)
        init(self, parts, *others)  # type: ignore[operator]

    return noted


def test_a_verified_file_of_an_earlier_run_is_not_asked_for_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.share / "model.bin").unlink()
    sets.put(place.share, {"model.bin": sets.noise(2_500_000, seed=8)})
    place.ends(VerificationFailed)
    pending: list[int] = []
    ask = survey._ask

    def noted(files: dict[int, listing.File], *others: Any) -> dict[int, Remote]:
        pending.extend(files)
        return ask(files, *others)

    monkeypatch.setattr(survey, "_ask", noted)
    (place.share / "model.bin").write_bytes(CONTENTS["model.bin"])
    place.stage()
    assert [place.listed.files[index].path for index in pending] == ["model.bin"]


def test_one_who_loses_the_lease_waits_and_finds_the_set_published(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Part.write
    stolen: list[bool] = []

    def steal(self: Part, data: bytes, at: int) -> None:
        write(self, data, at)
        if not stolen:
            stolen.append(True)
            winner = Place(place.share, place.volume, place.listed)
            os.utime(place.staging / "lease.1", (1, 1))
            winner.stage()

    monkeypatch.setattr(Part, "write", steal)
    assert "complete already" in place.stage()
    assert stolen and sets.published(place.volume, place.listed.digest) == CONTENTS


def test_one_who_comes_second_at_the_rename_takes_the_firsts_word(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publish.publish

    def beaten(finished: Path, target: Path, known: list[str]) -> bool:
        sets.put(target, CONTENTS)
        return real(finished, target, known)

    monkeypatch.setattr(publish, "publish", beaten)
    place.stage()
    assert sets.published(place.volume, place.listed.digest) == CONTENTS


def test_partial_data_untouched_for_a_day_is_swept_and_younger_is_not(place: Place) -> None:
    old, young = place.volume / ".staging" / ("0" * 64), place.volume / ".staging" / ("1" * 64)
    for folder in (old, young):
        held = lease.acquire(folder, place.volume)
        assert isinstance(held, lease.Lease)
        (held.work / "part").write_bytes(b"x")
        held.release()
    os.utime(old / "lease.1", (1, 1))  # the young one was released a moment ago
    place.stage()
    assert not old.exists() and young.exists()


# --- a plan -------------------------------------------------------------------------------------------------


def test_a_plan_writes_nothing_and_says_what_would_be_fetched(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    line = stage.plan(place.listed, sets.options(place.volume))
    assert line == "plan: 4 of 4 files, 2.4 MiB of 2.4 MiB"
    assert "model.bin: 2.4 MiB of 2.4 MiB to fetch" in capsys.readouterr().out
    assert list(place.volume.iterdir()) == []
    place.stage()
    assert "complete already" in stage.plan(place.listed, sets.options(place.volume))
