"""A cache of its own and an empty PATH for a test. Imports pytest and this folder's fakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tool_fakes import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    return Machine(tmp_path)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of this process, for one test."""
    monkeypatch.setenv("SUBSTRATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def clean_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH with one empty folder, and no tool named by a setting."""
    for name in [name for name in os.environ if name.startswith("SUBSTRATE_TOOL_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder
