"""The README's table says what its tests showed: no more, and nothing of a run in which they did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import proofs
from tests.proven import PROOFS, Proof

ROWS = (Proof("A thing", ("1.0",), ("engine.test_thing", "e2e.test_thing"), "all of it", "nothing"),)
PASSED = '<testcase classname="tests.{}" name="a"/>'
SKIPPED = '<testcase classname="tests.{}" name="b"><skipped type="pytest.skip" message="{}"/></testcase>'
FAILED = '<testcase classname="tests.{}" name="c"><failure message="assert 1 == 2"/></testcase>'
X86 = "its wheel is for x86-64 only"


def found(tmp_path: Path, *cases: str) -> proofs.Outcomes:
    file = tmp_path / "results.xml"
    file.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return proofs.outcomes([file])


def test_row_stands_where_all_of_its_tests_passed(tmp_path: Path) -> None:
    shown = found(tmp_path, PASSED.format("engine.test_thing"), PASSED.format("e2e.test_thing"))

    assert proofs.table(shown, ROWS).endswith("| A thing | 1.0 | all of it | nothing |")
    assert list(proofs.not_here(shown, ROWS)) == []


@pytest.mark.parametrize("other", ["", FAILED.format("e2e.test_thing"), SKIPPED.format("e2e.test_thing", "no cluster")])
def test_row_whose_tests_failed_were_skipped_or_did_not_run_stops_the_table(tmp_path: Path, other: str) -> None:
    shown = found(tmp_path, PASSED.format("engine.test_thing"), other)

    with pytest.raises(
        SystemExit, match=r"nothing proves A thing: these did not all pass in that run: e2e\.test_thing"
    ):
        proofs.table(shown, ROWS)


def test_test_that_this_machine_cannot_run_is_told_and_stops_nothing(tmp_path: Path) -> None:
    cases = [PASSED.format("engine.test_thing"), SKIPPED.format("e2e.test_thing", X86)]
    shown = found(tmp_path, *cases)

    assert "A thing" in proofs.table(shown, ROWS)
    (told,) = proofs.not_here(shown, ROWS)
    assert told == f"A thing: not all of it is run on this machine (e2e.test_thing: {X86})"
    with pytest.raises(SystemExit):
        proofs.table(found(tmp_path, *cases, FAILED.format("e2e.test_thing")), ROWS)


def test_readme_has_the_rows_as_they_are() -> None:
    """What the long run would find last, at once."""
    every = proofs.Outcomes(passed={f"tests.{name}" for proof in PROOFS for name in proof.tests})
    text = proofs.README.read_text()

    assert proofs.with_table(text, proofs.table(every)) == text


def test_every_row_names_modules_that_are_there() -> None:
    root = Path(proofs.__file__).parent
    named = {name for proof in PROOFS for name in proof.tests}

    assert [name for name in named if not (root / f"{name.replace('.', '/')}.py").is_file()] == []
