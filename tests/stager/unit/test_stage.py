"""The whole job in this process, from a folder: what is published, what is refused, what a second run does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stager import lease, listing, receipt, stage
from stager.errors import NoSpace, SourceRefused, VerificationFailed, VolumeFailed
from stager.part import Part
from stager.volume import Volume
from tests.stager import sets
from tests.stager.unit.conftest import CONTENTS, Place

pytestmark = pytest.mark.usefixtures("umask")


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
