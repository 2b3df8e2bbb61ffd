"""A verdict for a person: where, what, the fix; a rule's reason once. Imports the words that reports share."""

from __future__ import annotations

from collections.abc import Iterator

from policies.files.judging import At, Verdict
from policies.judge import Finding
from policies.reports.words import grouped, printable, summary, why


def render(verdict: Verdict) -> str:
    """Everything, the summary last, where a terminal shows it."""
    return "\n".join([*_lines(verdict), summary(verdict), ""])


def _lines(verdict: Verdict) -> Iterator[str]:
    for unreadable in verdict.given.unreadable:
        yield f"[error] {printable(unreadable.place)}: {printable(unreadable.what)}"
        yield f"  fix: {printable(unreadable.fix)}\n"
    reasons: set[str] = set()
    for at, finding in verdict.findings:
        yield from _finding(at, finding, reasons)
        yield ""
    if verdict.exempt:
        yield "exempt, by the object's own annotation:"
        for at, exempt in verdict.exempt:
            yield f"  {printable(str(at))}: {printable(str(exempt)).replace('<U+000A>', chr(10) + '  ')}"
        yield ""
    if verdict.undecided:
        yield "not applicable, which is no pass:"
        for (rule, reason), those in grouped(verdict).items():
            at, first = those[0]
            more = f" and {len(those) - 1} more" if len(those) > 1 else ""
            yield f"  {rule}: {printable(reason)}"
            yield f"    {printable(str(at))}: {printable(str(first.subject))}{more}"
        yield ""


def _finding(at: At, finding: Finding, reasons: set[str]) -> Iterator[str]:
    said = f"{finding.subject}: {finding.flaw.found}"
    yield f"[{finding.level}] {printable(str(at))}: {printable(said)}"
    yield f"  fix: {printable(finding.flaw.fix)}"
    reason = why(finding)
    if reason in reasons:
        yield f"  rule: {finding.rule.name}, as above"
        return
    reasons.add(reason)
    yield f"  why: {reason}"
    yield f"  rule: {finding.rule.name} ({finding.rule.severity}; {finding.rule.link})"
