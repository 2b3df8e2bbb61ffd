"""The settings' patterns of images mean the same to the API server as to the pack."""

from __future__ import annotations

import fnmatch
import re

import pytest

from policies.images_in_cel import of_glob

REPOSITORIES = ("corp/eng-a", "corp/eng-d", "corp/team/eng-a", "corp.x/eng", "corpxx/eng", "reg:5000/srv1", "a+b/srv")


@pytest.mark.parametrize(
    "pattern", ["corp/eng-[a-c]*", "corp/eng-[!a-c]", "corp.?/eng", "*/srv*", "a+b/*", "*", "corp*eng-a"]
)
def test_pattern_fits_the_same_repositories(pattern: str) -> None:
    for repository in REPOSITORIES:
        assert bool(re.fullmatch(of_glob(pattern), repository)) == fnmatch.fnmatchcase(repository, pattern)
