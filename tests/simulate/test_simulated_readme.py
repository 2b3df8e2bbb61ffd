"""The README's example and its picture are what the command makes today."""

from __future__ import annotations

from tests import simulated_readme

ANEW = "python -m tests.simulated_readme makes it anew"


def test_the_readmes_table_and_picture_are_those_of_its_command(tmp_path):
    picture = tmp_path / "simulate.svg"

    assert simulated_readme.made(picture) == simulated_readme.shown(), ANEW
    assert picture.read_text() == simulated_readme.PICTURE.read_text(), ANEW
