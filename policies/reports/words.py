"""Words that all reports share. Imports the files' verdict."""

from __future__ import annotations

from collections import defaultdict

from policies.files.judging import At, Verdict
from policies.judge import Finding, Undecided
from policies.rule import Level


def printable(text: str) -> str:
    """Text of somebody's manifest for a terminal or XML: control and bidirectional characters as code points."""
    return "".join(letter if letter.isprintable() else f"<U+{ord(letter):04X}>" for letter in text)


def why(finding: Finding) -> str:
    return finding.flaw.why or finding.rule.why


def grouped(verdict: Verdict) -> dict[tuple[str, str], list[tuple[At, Undecided]]]:
    """What could not be decided, by rule and reason."""
    groups: dict[tuple[str, str], list[tuple[At, Undecided]]] = defaultdict(list)
    for at, undecided in verdict.undecided:
        groups[undecided.rule.name, undecided.reason].append((at, undecided))
    return groups


def summary(verdict: Verdict) -> str:
    """`2 mandatory findings, 1 advisory, 1 exempt, 3 not applicable: 12 objects of 2 files, 8 rules`."""
    given = verdict.given
    parts = [
        many(verdict.count(Level.MANDATORY), "mandatory finding"),
        f"{verdict.count(Level.ADVISORY)} advisory",
        f"{len(verdict.exempt)} exempt",
        f"{len(grouped(verdict))} not applicable",
    ]
    judged = f"{many(len(given.objects), 'object')} of {many(given.files, 'file')}, {many(len(verdict.rules), 'rule')}"
    unread = f"; {many(len(given.unreadable), 'part')} of the input could not be read" if given.unreadable else ""
    left = [
        f"; {many(count, noun)} left alone"
        for count, noun in ((given.secrets, "Secret"), (given.others, "document that is no object"))
        if count
    ]
    return f"{', '.join(parts)}: {judged}{''.join(left)}{unread}"


def many(count: int, noun: str) -> str:
    """`1 file`, `2 files`; `2 documents that are no object` of `document that is no object`."""
    if count == 1:
        return f"1 {noun}"
    first, _, rest = noun.partition(" that is ")
    return f"{count:,} {first}s" + (f" that are {rest}" if rest else "")
