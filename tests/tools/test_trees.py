"""Folders out of wheels: where each file goes, what may be executed."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from cluster.tools import Progress, pins, trees
from cluster.tools.cache import Workspace
from cluster.tools.pins import Pin
from cluster.tools.process import Runner
from cluster.tools.trees import WheelTree

FILES = {"server/bin/run": 0o755, "server/data/a/b.txt": 0o644, "serverless": 0o644, "one-1.5.dist-info/LICENSE": 0o644}


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace, and a pip that has the wheel `one` 1.5."""
    monkeypatch.setattr(pins, "wheel", lambda package: Pin("1.5", f"{package}==1.5"))
    monkeypatch.setattr(trees, "pip_download", lambda *_: wheel(tmp_path / "one.whl"))
    made = Workspace(tmp_path / "out", tmp_path / "work")
    made.out.mkdir()
    return made


def wheel(file: Path) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, mode in FILES.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, name)
    return file


def build(tree: WheelTree, space: Workspace) -> set[str]:
    with Progress(io.StringIO()).step("tree", "unpacking", log=space.out.parent / "log") as step:
        tree.build(space, Runner(space.out.parent / "log", step))
    return {path.relative_to(space.out).as_posix() for path in space.out.rglob("*") if path.is_file()}


def test_folders_of_a_wheel_become_folders_of_the_tool_and_nothing_else_does(space):
    folders = (("bin", "server/bin"), ("", "server/data"), ("", "one-{version}.dist-info"))
    tree = WheelTree("one", ("bin",), seconds=1, disk=1, packages=("one",), folders=folders)

    assert build(tree, space) == {"bin/run", "a/b.txt", "LICENSE"}
    assert os.access(space.out / "bin" / "run", os.X_OK)
    assert (space.out / "a" / "b.txt").stat().st_mode & 0o777 == 0o644
    assert (space.out / "a" / "b.txt").read_text() == "server/data/a/b.txt"


def test_whole_wheel_is_a_folder_of_packages(space):
    tree = WheelTree("one", ("site",), seconds=1, disk=1, packages=("one",), folders=(("site", ""),), release="7")

    assert build(tree, space) == {f"site/{name}" for name in FILES}
    assert tree.version == "7"
