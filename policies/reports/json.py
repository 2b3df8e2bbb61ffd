"""A verdict as one JSON object. Imports the words that reports share."""

from __future__ import annotations

import json
from typing import Any

from policies.files.judging import At, Verdict
from policies.judge import Finding
from policies.reports.words import why
from policies.rule import Level


def render(verdict: Verdict) -> str:
    """Fields are only ever added."""
    given = verdict.given
    report = {
        "findings": [_finding(at, finding) for at, finding in verdict.findings],
        "exempt": [
            {**_finding(at, each.finding), "until": str(each.exemption.until), "reason": each.exemption.reason}
            for at, each in verdict.exempt
        ],
        "notApplicable": [
            {"rule": each.rule.name, "object": str(each.subject), **_place(at), "reason": each.reason}
            for at, each in verdict.undecided
        ],
        "unreadable": [
            {"file": each.file, "line": each.line, "column": each.column, "message": each.what, "fix": each.fix}
            for each in given.unreadable
        ],
        "summary": {
            "mandatory": verdict.count(Level.MANDATORY),
            "advisory": verdict.count(Level.ADVISORY),
            "objects": len(given.objects),
            "files": given.files,
            "rules": len(verdict.rules),
            "secretsNotRead": given.secrets,
            "otherDocuments": given.others,
        },
    }
    return json.dumps(report, indent=2) + "\n"


def _finding(at: At, finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.name,
        "level": finding.level.value,
        "severity": finding.rule.severity.value,
        "object": str(finding.subject),
        **_place(at),
        "found": finding.flaw.found,
        "why": why(finding),
        "fix": finding.flaw.fix,
        "link": finding.rule.link,
    }


def _place(at: At) -> dict[str, Any]:
    return {"file": at.file, "line": at.spot[0], "column": at.spot[1]}
