"""A file source: a folder on a mounted share, its links kept inside it, its changes noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stager.errors import SourceRefused
from stager.listing import Source
from stager.sources.base import Changed
from stager.sources.file import FileSource
from stager.stage import stage
from tests.stager import sets

CONTENTS = {"model.bin": sets.noise(3_000_000), "a/b/c.json": b"{}", "empty": b""}


def source(folder: Path) -> FileSource:
    return FileSource(Source(folder.as_uri()), 65536)


def test_a_set_is_published_from_a_folder(tmp_path: Path) -> None:
    share = sets.put(tmp_path / "sh are", CONTENTS)
    (tmp_path / "volume").mkdir()
    listed = sets.listed(CONTENTS, uri=share.as_uri() + "/")
    stage(listed, sets.options(tmp_path / "volume"))
    assert sets.published(tmp_path / "volume", listed.digest) == CONTENTS


def test_a_link_inside_the_share_is_followed(tmp_path: Path) -> None:
    share = sets.put(tmp_path / "share", {"blobs/1": b"bytes"})
    (share / "model.bin").symlink_to("blobs/1")
    remote = source(share).stat("model.bin")
    assert b"".join(source(share).read("model.bin", 0, 5, remote)) == b"bytes"


@pytest.mark.parametrize("target", ["../secret", "/etc/hostname", "inner/../../secret"])
def test_a_link_that_leaves_the_share_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "secret").write_text("canary")
    share = sets.put(tmp_path / "share", {"inner/x": b""})
    (share / "model.bin").symlink_to(target)
    with pytest.raises(SourceRefused) as raised:
        source(share).stat("model.bin")
    assert "a link that leaves" in raised.value.lines()[-1]


def test_a_folder_that_is_a_link_out_of_the_share_is_refused(tmp_path: Path) -> None:
    sets.put(tmp_path / "elsewhere", {"model.bin": b"canary"})
    share = sets.put(tmp_path / "share", {"x": b""})
    (share / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceRefused, match="refused"):
        source(share).stat("sub/model.bin")


def test_what_is_not_a_regular_file_is_refused(tmp_path: Path) -> None:
    share = sets.put(tmp_path / "share", {"dir/x": b""})
    os.mkfifo(share / "pipe")
    for path in ("pipe", "dir"):
        with pytest.raises(SourceRefused) as raised:
            source(share).stat(path)
        assert "not a regular file" in raised.value.lines()[-1]


def test_a_missing_file_and_a_missing_share_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as raised:
        source(sets.put(tmp_path / "share", {"x": b""})).stat("none.bin")
    assert "none.bin: No such file" in raised.value.lines()[-1]
    with pytest.raises(SourceRefused) as raised:
        source(tmp_path / "none")
    assert "is the share mounted?" in raised.value.lines()[-1]


@pytest.mark.parametrize("change", [b"x" * 200_000, b"short"])
def test_a_file_written_to_while_it_is_read_is_noticed(tmp_path: Path, change: bytes) -> None:
    share = sets.put(tmp_path / "share", {"model.bin": sets.noise(200_000)})
    remote = source(share).stat("model.bin")
    pieces = source(share).read("model.bin", 0, 200_000, remote)
    next(pieces)
    (share / "model.bin").write_bytes(change)
    os.utime(share / "model.bin", (1, 1))
    with pytest.raises(Changed):
        list(pieces)
