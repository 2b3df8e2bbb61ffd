"""A suggestion is the one near word, or none."""

from __future__ import annotations

import pytest

from substrate.catalog.spelling import distance, nearest

KEYS = ("pool", "team", "tier", "context", "servedName", "gpus", "cpus", "min", "max")


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("pool", "pool", 0),
        ("pol", "pool", 1),
        ("opol", "pool", 1),
        ("poool", "pool", 1),
        ("tier", "time", 2),
        ("a", "xyz", 3),
    ],
)
def test_edits_are_counted_with_swaps(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == edits
    assert distance(right, left) == edits


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("pol", "pool"),
        ("contxet", "context"),
        ("served_name", "servedName"),
        ("SERVEDNAME", "servedName"),
        ("served-name", "servedName"),
        ("gpu", "gpus"),
        ("mx", "max"),
        ("mix", None),
        ("pus", None),
        ("temperature", None),
        ("", None),
    ],
)
def test_the_nearest_word_is_suggested_only_when_it_is_the_only_one(word: str, meant: str | None) -> None:
    assert nearest(word, KEYS) == meant


def test_of_two_near_words_the_nearer_is_suggested() -> None:
    assert nearest("engine-1", ["engine-01", "engine-02"]) == "engine-01"
    assert nearest("engine-0", ["engine-01", "engine-02"]) is None
