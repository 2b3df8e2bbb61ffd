"""A verdict as SARIF 2.1.0, which code scanning reads. Imports the words that reports share.

What is exempt or not applicable goes to the run's notifications and not to its results: code scanning raises an alert
for every result, whatever its `suppressions` or `kind` say.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from policies.files.judging import At, Verdict
from policies.files.reading import Unreadable
from policies.judge import Finding
from policies.reports.words import grouped, why
from policies.rule import Level, Rule, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
TOOL = "substrate-policy"
_LEVELS = {Level.MANDATORY: "error", Level.ADVISORY: "warning"}
# What code scanning sorts by: numbers as those of CVSS.
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}


def render(verdict: Verdict) -> str:
    run = {
        "tool": {"driver": {"name": TOOL, "rules": [_rule(rule) for rule in verdict.rules]}},
        "invocations": [
            {
                "executionSuccessful": not verdict.given.unreadable,
                "toolExecutionNotifications": _notifications(verdict),
            }
        ],
        "results": [_result(at, finding, verdict.rules) for at, finding in verdict.findings],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    absolute = {"helpUri": rule.link} if rule.link.startswith("https://") else {}
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\nsee {rule.link}"},
        **absolute,
        "defaultConfiguration": {"level": _LEVELS.get(rule.level, "none")},
        "properties": {"tags": ["kubernetes"], "security-severity": _SCORES[rule.severity]},
    }


def _result(at: At, finding: Finding, rules: tuple[Rule, ...]) -> dict[str, Any]:
    flaw = finding.flaw
    name = str(finding.subject)
    identity = "\n".join((finding.rule.name, name, flaw.found))
    return {
        "ruleId": finding.rule.name,
        "ruleIndex": rules.index(finding.rule),
        "level": _LEVELS[finding.level],
        "message": {"text": f"{name}: {flaw.found}\nwhy: {why(finding)}\nfix: {flaw.fix}"},
        "locations": [{**_location(at.file, *at.spot), "logicalLocations": [{"fullyQualifiedName": name}]}],
        # The same flaw of the same object is the same alert, wherever in the file it has moved.
        "partialFingerprints": {"substratePolicy/v1": hashlib.sha256(identity.encode()).hexdigest()},
    }


def _notifications(verdict: Verdict) -> list[dict[str, Any]]:
    unread = [_unreadable(each) for each in verdict.given.unreadable]
    exempt = [
        {"level": "note", "message": {"text": str(each)}, "locations": [_location(at.file, *at.spot)]}
        for at, each in verdict.exempt
    ]
    undecided = [
        {
            "level": "note",
            "message": {"text": f"rule {rule} is not applicable to {those[0][1].subject}: {reason}"},
            "locations": [_location(at.file, *at.spot) for at, _ in those],
        }
        for (rule, reason), those in grouped(verdict).items()
    ]
    return [*unread, *exempt, *undecided]


def _unreadable(each: Unreadable) -> dict[str, Any]:
    location = _location(each.file, each.line or 1, each.column or 1)
    return {"level": "error", "message": {"text": f"{each.what}\nfix: {each.fix}"}, "locations": [location]}


def _location(file: str, line: int, column: int) -> dict[str, Any]:
    region = {"startLine": line, "startColumn": column}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region}}


def _uri(file: str) -> str:
    """Relative to the folder that the command runs in, which in CI is the repository's root."""
    path = Path(file)
    if not path.is_absolute():
        return quote(path.as_posix())
    here = Path.cwd()
    return quote(path.relative_to(here).as_posix()) if path.is_relative_to(here) else path.as_uri()
