"""`substrate files` writes what `substrate check` reads and the stager verifies."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml
from stacks import codes

from substrate.cli.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bento = tmp_path / "iris"
    for name in ("bento.yaml", "src/service.py", "src/a model: one.bin", "no", "0755", "apis/#1.json"):
        (bento / name).parent.mkdir(parents=True, exist_ok=True)
        (bento / name).write_text(name)
    return bento


def test_what_is_printed_are_the_files_of_the_folder(folder, capsys):
    assert main(["files", str(folder)]) == 0
    listed = yaml.safe_load(capsys.readouterr().out)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert {name: each["sha256"] for name, each in listed.items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    assert {name: each["size"] for name, each in listed.items()} == {
        name: f"{len(content)}B" for name, content in files.items()
    }


def test_it_is_accepted_as_it_stands(folder, capsys):
    assert main(["files", str(folder)]) == 0
    listed = yaml.safe_load(capsys.readouterr().out)
    weights = {"from": "s3://bentos/iris/", "files": listed}

    assert codes(("models/iris", {"pool": "gpu", "foundation": "bentoml", "weights": weights})) == []


@pytest.mark.parametrize("wrong", ["nowhere", "file", "empty"])
def test_folder_that_holds_nothing_is_named(wrong, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()

    assert main(["files", str(tmp_path / wrong)]) == 1
    assert str(tmp_path / wrong) in capsys.readouterr().err


def test_path_that_no_stack_file_may_hold_is_named(folder, capsys):
    (folder / "a\\b.txt").write_text("")

    assert main(["files", str(folder)]) == 1
    assert "a\\b.txt" in capsys.readouterr().err
