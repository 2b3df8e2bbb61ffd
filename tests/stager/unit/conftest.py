"""Fixtures of the stager's job: a share to stage from and a volume to stage to, in a temporary folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from stager import listing, stage
from stager.errors import StagerError
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


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)
