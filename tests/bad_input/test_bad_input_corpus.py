"""Every broken stack of the corpus is found where it is broken, once, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_stacks import BASE_FILE, Broken, corpus

from substrate.catalog import check
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, errors
from substrate.catalog.rendering import block

CASES = corpus()
# Faults of the file as a whole: test_bad_input_files.py has them.
OF_FILES = {
    Code.FILE_MISSING,
    Code.FILE_NOT_REGULAR,
    Code.FILE_UNREADABLE,
    Code.FILE_TOO_LARGE,
    Code.FILE_EMPTY,
    Code.BYTE_ORDER_MARK,
    Code.NOT_UTF8,
    Code.CONTROL_CHARACTER,
    Code.NOT_A_MAPPING,
}
# Found in what the engine read, or only warned of: tests/catalog has them.
ELSEWHERE = {
    Code.ENGINE_DISAGREES,
    Code.FIT_NOT_CHECKED,
    Code.QUANTIZATION_UNKNOWN,
    Code.ENGINE_ARCHIVED,
    Code.SERVER_SWAPS,
    Code.NOT_ALL_LOGGED,
    Code.TARGET_OVER_PARALLEL,
}


def found(case: Broken, folder: Path) -> list[Diagnostic]:
    file = folder / "Pulumi.broken.yaml"
    file.write_text(case.text())
    return errors(check(file).diagnostics)


def test_the_base_is_valid() -> None:
    assert check(BASE_FILE).diagnostics == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_found_where_it_is(case: Broken, tmp_path: Path) -> None:
    diagnostics = found(case, tmp_path)
    spots = [(each.code, each.place.line, each.place.column, each.place.width) for each in diagnostics]
    assert (case.code, *case.spot()) in spots


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_reported_once(case: Broken, tmp_path: Path) -> None:
    assert len(found(case, tmp_path)) == 1 + case.others


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_shows_the_line_and_says_what_to_write(case: Broken, tmp_path: Path) -> None:
    diagnostic = next(each for each in found(case, tmp_path) if each.code == case.code)
    text = block(diagnostic)
    assert case.said in text
    assert f"Pulumi.broken.yaml:{diagnostic.place.line}:{diagnostic.place.column}" in text
    assert "^" in text
    assert diagnostic.advice, "no help"


def test_every_code_has_a_case() -> None:
    missing = set(Code) - {case.code for case in CASES} - OF_FILES - ELSEWHERE
    assert not missing


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)
