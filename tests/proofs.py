"""The README's table of what was run for real, made from a run of the tests: no row without its tests passed.

    python -m tests.proofs RESULTS.xml...            # writes the table into README.md
    python -m tests.proofs RESULTS.xml... --check    # fails where README.md says something else

RESULTS.xml is pytest's --junitxml, one of each part of the tests. What a machine cannot run is told, and proves nothing
there. Imports the rows (tests.proven).
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.proven import PROOFS, Proof

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- made by tests.proofs from test results -->", "<!-- end -->"
HEAD = ("system", "version", "run for real here", "only validated here")
# How the reason of a skipped test ends where another machine would run it; no other test may be skipped.
ELSEWHERE = "is for x86-64 only"


@dataclass
class Outcomes:
    """The modules of tests in which something passed, those in which something did not, and why not on this machine."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    elsewhere: dict[str, str] = field(default_factory=dict)

    def add(self, case: ElementTree.Element) -> None:
        module = case.get("classname", "")
        bad = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        reason = "" if bad is None else bad.get("message", "")
        if bad is None:
            self.passed.add(module)
        elif bad.tag == "skipped" and reason.endswith(ELSEWHERE):
            self.elsewhere[module] = reason
        else:
            self.failed.add(module)

    def proves(self, name: str) -> bool:
        module = f"tests.{name}"
        return module not in self.failed and (module in self.passed or module in self.elsewhere)


def outcomes(results: Sequence[Path]) -> Outcomes:
    found = Outcomes()
    for case in (case for part in results for case in ElementTree.parse(part).iter("testcase")):
        found.add(case)
    return found


def table(found: Outcomes, proofs: Sequence[Proof] = PROOFS) -> str:
    """The table; raises SystemExit, naming the tests, where a row's did not all pass."""
    rows = [HEAD, tuple("---" for _ in HEAD)]
    for proof in proofs:
        lacking = [name for name in proof.tests if not found.proves(name)]
        if lacking:
            sys.exit(f"error: nothing proves {proof.system}: these did not all pass in that run: {', '.join(lacking)}")
        rows.append((proof.system, proof.version, proof.real, proof.validated))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def not_here(found: Outcomes, proofs: Sequence[Proof] = PROOFS) -> Iterator[str]:
    """The rows that this machine shows a part of, and why no more."""
    for proof in proofs:
        for name in proof.tests:
            if reason := found.elsewhere.get(f"tests.{name}"):
                yield f"{proof.system}: not all of it is run on this machine ({name}: {reason})"


def with_table(text: str, made: str) -> str:
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    found, text = outcomes(options.results), README.read_text()
    made = with_table(text, table(found))
    for note in not_here(found):
        print(f"note: {note}", file=sys.stderr)
    if options.check and made != text:
        way = "python -m tests.proofs .substrate/results-*.xml"
        print(f"error: README.md's table is not what this run shows: {way}", file=sys.stderr)
        return 1
    if not options.check and any(not_here(found)):
        print("error: a table is written where all of it was run", file=sys.stderr)
        return 1
    README.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
