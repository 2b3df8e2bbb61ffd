"""The example's stack file is valid, and asks for the very files that the example makes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from examples.triton import make
from substrate.catalog import check

STACK = make.REPOSITORY.parent / "Pulumi.flowers.yaml"


def test_the_example_is_valid_without_a_warning_and_names_the_files_that_it_makes(tmp_path: Path) -> None:
    make.make(tmp_path)
    report = check(STACK)
    assert report.diagnostics == []
    assert report.catalog is not None
    written = {
        (name, path, str(file.sha256), int(file.size))
        for name, model in report.catalog.models.items()
        if model.weights
        for path, file in model.weights.files.items()
    }

    assert written == {
        (file.parent.parent.name, file.name, hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size)
        for file in tmp_path.glob("*/1/*")
    }
