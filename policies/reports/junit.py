"""A verdict as JUnit XML, which every CI shows: a suite a file, a case a finding or an object without one.

JUnit knows no warning: what is advisory is a case that passed, with the words as its output.
"""

from __future__ import annotations

from collections import defaultdict
from xml.etree import ElementTree

from policies.files.judging import At, Verdict
from policies.judge import Exempt, Finding, Undecided
from policies.reports.words import printable, why
from policies.rule import Level

_NAME = "substrate policy"


def render(verdict: Verdict) -> str:
    root = ElementTree.Element("testsuites", name=_NAME)
    for file, cases in _cases(verdict).items():
        suite = ElementTree.SubElement(root, "testsuite", name=printable(file))
        suite.extend(cases)
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _count(element: ElementTree.Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for name, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(child) is not None for case in cases)))


def _cases(verdict: Verdict) -> dict[str, list[ElementTree.Element]]:
    """By file. An object of which nothing is said is one case that passed."""
    cases: dict[str, list[ElementTree.Element]] = defaultdict(list)
    for each in verdict.given.unreadable:
        case = _case("input", "can be read", each.file, each.line)
        said = f"{each.what}\nfix: {each.fix}"
        _child(case, "error", each.what, said)
        cases[each.file].append(case)
    spoken_of = {id(_obj(at)) for at in verdict.told}
    for located in verdict.given.objects:
        if id(located.obj) not in spoken_of:
            line = located.node.start_mark.line + 1
            cases[located.file].append(_case(str(located.obj), "every rule", located.file, line))
    for at in verdict.told:
        cases[at.file].append(_told(at))
    return cases


def _obj(at: At) -> object:
    return (at.outcome.finding.subject if isinstance(at.outcome, Exempt) else at.outcome.subject).obj


def _told(at: At) -> ElementTree.Element:
    outcome = at.outcome
    if isinstance(outcome, Undecided):
        case = _case(str(outcome.subject), outcome.rule.name, at.file, at.spot[0])
        _child(case, "skipped", f"not applicable: {outcome.reason}", None)
        return case
    finding = outcome.finding if isinstance(outcome, Exempt) else outcome
    case = _case(str(finding.subject), finding.rule.name, at.file, at.spot[0])
    if isinstance(outcome, Exempt):
        until = f"exempt until {outcome.exemption.until}: {outcome.exemption.reason}"
        _child(case, "skipped", until, finding.flaw.found)
    elif finding.level == Level.MANDATORY:
        _child(case, "failure", finding.flaw.found, _words(at, finding))
    else:
        ElementTree.SubElement(case, "system-out").text = _safe(_words(at, finding))
    return case


def _words(at: At, finding: Finding) -> str:
    said = f"{at}\n{finding.subject}: {finding.flaw.found}\nwhy: {why(finding)}\nfix: {finding.flaw.fix}"
    return f"{said}\nrule: {finding.rule.name} ({finding.rule.link})"


def _case(about: str, name: str, file: str, line: int) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=printable(about), name=name, file=printable(file), line=str(line))


def _child(case: ElementTree.Element, tag: str, message: str, text: str | None) -> None:
    child = ElementTree.SubElement(case, tag, message=printable(message))
    child.text = _safe(text) if text else None


def _safe(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
