"""The whole job in this process, from a folder: what is published, what is refused, what a second run does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stager import lease, listing, publish, receipt, stage, survey, transfer
from stager.errors import NoSpace, SourceRefused, StagerError, VerificationFailed, VolumeFailed
from stager.part import Part
from stager.sources.base import Remote
from stager.volume import Volume
from tests.stager import sets

CONTENTS = {
    "model.bin": sets.noise(2_500_000),
    "a/config.json": b'{"a": 1}',
    "a/b/vocab.txt": b"x" * 5000,
    "empty": b"",
}


class Place(NamedTuple):
    """A share to stage from and a volume to stage to."""

    share: Path
    volume: Path
    listed: listing.Listing

    @property
    def folder(self) -> Path:
        return self.volume / self.listed.digest

    @property
    def staging(self) -> Path:
        return self.volume / ".staging" / self.listed.digest

    def stage(self) -> str:
        return stage.stage(self.listed, sets.options(self.volume))

    def ends(self, kind: type[StagerError]) -> str:
        with pytest.raises(kind) as raised:
            self.stage()
        return "\n".join(raised.value.lines())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    share = sets.put(tmp_path / "share", CONTENTS)
    (tmp_path / "volume").mkdir()
    return Place(share, tmp_path / "volume", sets.listed(CONTENTS, uri=share.as_uri() + "/"))


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on any look at a source is an error."""

    def connect(*_: object) -> None:
        raise AssertionError("the source was asked")

    monkeypatch.setattr(stage, "connect", connect)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


# --- what is published --------------------------------------------------------------------------------------


def test_the_published_set_is_readable_by_all_and_its_files_writable_by_none(place: Place) -> None:
    place.stage()
    assert sets.published(place.volume, place.listed.digest) == CONTENTS
    for path in [place.folder, *place.folder.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o444), path


def test_the_receipt_says_what_was_verified_and_from_where(place: Place) -> None:
    place.stage()
    written = json.loads((place.folder / ".receipt.json").read_text())
    assert written["digest"] == place.listed.digest
    assert written["source"] == place.listed.source.uri
    entry = next(item for item in written["files"] if item["path"] == "a/config.json")
    assert entry["size"] == 8
    assert entry["sha256"] == next(file.sha256 for file in place.listed.files if file.path == "a/config.json")
    assert entry["source"] == (place.share / "a/config.json").as_uri()


def test_nothing_is_left_in_staging_after_publishing(place: Place) -> None:
    place.stage()
    assert list((place.volume / ".staging").iterdir()) == []


def test_an_empty_folder_where_the_set_belongs_is_replaced(place: Place) -> None:
    place.folder.mkdir()
    place.stage()
    assert sets.published(place.volume, place.listed.digest) == CONTENTS


def test_the_set_appears_by_one_rename_of_a_complete_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, bytes]] = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        if Path(target) == place.folder:
            assert not place.folder.exists()
            seen.append({str(p.relative_to(self)): p.read_bytes() for p in self.rglob("*") if p.is_file()})
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    place.stage()
    assert len(seen) == 1
    assert seen[0].keys() == CONTENTS.keys() | {".receipt.json"}


def test_a_stray_file_in_the_staged_set_is_not_published(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write = receipt.write

    def with_stray(folder: Path, content: dict[str, object]) -> None:
        (folder / "a" / "evil.py").write_text("import os")
        write(folder, content)

    monkeypatch.setattr(receipt, "write", with_stray)
    place.stage()
    assert sets.published(place.volume, place.listed.digest) == CONTENTS


# --- what a second run does ---------------------------------------------------------------------------------


def test_a_complete_set_is_found_without_asking_the_source(place: Place, request: pytest.FixtureRequest) -> None:
    place.stage()
    request.getfixturevalue("unreachable")
    assert "complete already" in place.stage()


def test_a_complete_set_is_found_without_writing_to_the_volume(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.stage()
    monkeypatch.setattr(lease, "acquire", None)
    assert "complete already" in place.stage()


def test_a_complete_set_is_found_without_hashing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.stage()
    monkeypatch.setattr(stage, "check", None)
    assert "complete already" in place.stage()


@pytest.mark.parametrize("damage", ["receipt gone", "receipt garbled", "times", "receipt of another set"])
def test_a_doubtful_but_right_set_is_hashed_again_and_gets_a_new_receipt(
    place: Place, damage: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.stage()
    request.getfixturevalue("unreachable")
    where = place.folder / ".receipt.json"
    if damage == "receipt gone":
        where.unlink()
    elif damage == "receipt garbled":
        where.chmod(0o600)
        where.write_text("{")
    elif damage == "times":
        os.utime(place.folder / "model.bin", (1, 1))
    else:
        text = where.read_text().replace(place.listed.digest, "0" * 64)
        where.unlink()
        where.write_text(text)
    assert "complete already" in place.stage()
    monkeypatch.setattr(stage, "check", None)
    assert "complete already" in place.stage()


@pytest.mark.parametrize("damage", ["flipped", "shorter", "gone", "added", "link"])
def test_a_damaged_published_set_ends_with_3_and_names_the_file(place: Place, damage: str) -> None:
    place.stage()
    model = place.folder / "model.bin"
    model.chmod(0o600)
    named = "model.bin"
    if damage == "flipped":
        model.write_bytes(b"\0" + CONTENTS["model.bin"][1:])
        os.utime(model, (1, 1))
    elif damage == "shorter":
        model.write_bytes(CONTENTS["model.bin"][:-1])
    elif damage == "gone":
        model.unlink()
    elif damage == "added":
        named = "a/evil.py"
        (place.folder / named).write_text("import os")
    else:
        model.unlink()
        model.symlink_to(place.share / "model.bin")
    text = place.ends(VerificationFailed)
    assert named in text and str(place.folder) in text


def test_verify_finds_a_flip_that_size_and_time_hide(place: Place) -> None:
    place.stage()
    model = place.folder / "model.bin"
    state = model.stat()
    model.chmod(0o600)
    model.write_bytes(b"\0" + CONTENTS["model.bin"][1:])
    os.utime(model, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert "complete already" in place.stage()
    with pytest.raises(VerificationFailed) as raised:
        stage.check(place.listed, Volume(place.volume))
    assert "model.bin: expected sha256" in raised.value.lines()[-1]


# --- what is refused ----------------------------------------------------------------------------------------


def test_every_wrong_file_is_named_with_expected_and_got_and_nothing_is_published(place: Place) -> None:
    (place.share / "model.bin").write_bytes(sets.noise(2_500_000, seed=8))
    (place.share / "a/config.json").write_bytes(b'{"a": 2}')
    text = place.ends(VerificationFailed)
    for file in place.listed.files:
        wrong = file.path in ("model.bin", "a/config.json")
        assert (f"{file.path}: expected sha256 {file.sha256}, got " in text) == wrong
    assert not place.folder.exists()


def test_a_wrong_file_is_removed_and_the_right_ones_are_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.share / "model.bin").write_bytes(sets.noise(2_500_000, seed=8))
    place.ends(VerificationFailed)
    left = {path.name for path in place.staging.rglob("*") if path.is_file() and path.parent.name in ("set", "a", "b")}
    assert left == {"config.json", "vocab.txt", "empty"}
    sets.put(place.share, {"model.bin": CONTENTS["model.bin"], "a/config.json": b"gone bad since"})
    place.stage()
    assert sets.published(place.volume, place.listed.digest) == CONTENTS


@pytest.mark.parametrize(
    ("size", "refused"), [(2_300_000, False), (2_700_000, False), (2_000_000, True), (3_500_000, True)]
)
def test_a_declared_size_more_than_ten_per_cent_off_is_refused_before_a_byte_is_fetched(
    place: Place, size: int, refused: bool
) -> None:
    given = sets.document(CONTENTS, {"uri": place.share.as_uri() + "/"})
    given["files"][0]["size"] = size
    listed = listing.parse(json.dumps(given).encode())
    if not refused:
        stage.stage(listed, sets.options(place.volume))
        return
    with pytest.raises(VerificationFailed) as raised:
        stage.stage(listed, sets.options(place.volume))
    assert f"model.bin: expected about {size} bytes, got 2500000" in raised.value.lines()[-1]
    assert not list(place.staging.rglob("model.bin"))


def test_a_set_that_does_not_fit_is_refused_before_a_byte_is_fetched(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Volume, "free", lambda _: 3_000_000)
    text = place.ends(NoSpace)
    assert "2.9 MiB free" in text and "nothing was fetched" in text
    assert not list(place.staging.rglob("model.bin"))


def test_a_volume_that_fills_up_ends_with_5_and_the_partial_data_is_removed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Part.write

    def full(self: Part, data: bytes, at: int) -> None:
        if at > 1_000_000:
            raise OSError(28, "No space left on device")
        write(self, data, at)

    monkeypatch.setattr(Part, "write", full)
    assert "the partial data was removed" in place.ends(NoSpace)
    assert not list(place.staging.rglob("*.bin"))
    assert not place.folder.exists()


def test_a_volume_that_is_not_there_or_fails_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VolumeFailed, match="is the claim mounted"):
        stage.stage(place.listed, sets.options(place.volume / "none"))

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Part, "write", broken)
    assert "Input/output error" in place.ends(VolumeFailed)


def test_missing_files_are_all_named(place: Place) -> None:
    (place.share / "model.bin").unlink()
    (place.share / "empty").unlink()
    text = place.ends(SourceRefused)
    assert "model.bin" in text and "empty" in text


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
