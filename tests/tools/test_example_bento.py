"""The example's bento: trained the same each time, and by a BentoML without known holes."""

from __future__ import annotations

import re

from cluster.tools.places import TOOLCHAIN
from examples.bento import make

LANGUAGES = 6
SAFE_SINCE = (1, 4, 39)  # all that is known against BentoML is fixed there


def test_training_gives_the_same_weights_each_time(tmp_path):
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert make.main([str(folder)]) == 0
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))

    assert one == two
    assert len(one["weights.f32"]) == 4 * make.COLUMNS * LANGUAGES


def test_folder_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")

    assert make.main([str(tmp_path / "file")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_locked_bentoml_is_one_without_known_holes():
    lock = (TOOLCHAIN / "bentoml" / "requirements.txt").read_text()
    found = re.search(r"^bentoml==([\d.]+)", lock, re.MULTILINE)
    assert found

    assert tuple(map(int, found[1].split("."))) >= SAFE_SINCE
