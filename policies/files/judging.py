"""Judges what was read from files by the same rules as the pack. Imports the judge and the files' readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.files.places import Spot, spot
from policies.files.reading import Input, Located
from policies.judge import Check, Exempt, Finding, Outcome, Undecided, checks_alone, checks_together
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Level, Rule
from policies.settings import settings_from


@dataclass(frozen=True)
class At:
    """What the judge says of an object, and where in which file."""

    file: str
    spot: Spot
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.file}:{self.spot[0]}:{self.spot[1]}"


@dataclass(frozen=True)
class Verdict:
    """All that there is to report, in the order of the files."""

    given: Input
    rules: tuple[Rule, ...]
    told: tuple[At, ...]

    @property
    def findings(self) -> list[tuple[At, Finding]]:
        return [(at, at.outcome) for at in self.told if isinstance(at.outcome, Finding)]

    @property
    def exempt(self) -> list[tuple[At, Exempt]]:
        return [(at, at.outcome) for at in self.told if isinstance(at.outcome, Exempt)]

    @property
    def undecided(self) -> list[tuple[At, Undecided]]:
        return [(at, at.outcome) for at in self.told if isinstance(at.outcome, Undecided)]

    def count(self, level: Level) -> int:
        return sum(finding.level == level for _, finding in self.findings)


def judge(given: Input, rules: tuple[Rule, ...], alone: Mapping[str, Any], together: Mapping[str, Any]) -> Verdict:
    """Every rule over every object. The two settings are those of `llm-resource` and of `llm-stack`."""
    places = {id(located.obj): (number, located) for number, located in enumerate(given.objects)}
    subjects = _subjects(given, alone)
    told = [outcome for subject in subjects for outcome in _outcomes(checks_alone(rules, subject))]
    beside = subjects if together == alone else _subjects(given, together)
    told += _outcomes(checks_together(rules, Stack(beside)))
    numbered = [(*places[id(_subject(outcome).obj)], outcome) for outcome in told]
    placed = [(number, _at(located, outcome)) for number, located, outcome in numbered]
    return Verdict(given, rules, tuple(at for _, at in sorted(placed, key=lambda each: (each[0], each[1].spot))))


def _subjects(given: Input, config: Mapping[str, Any]) -> list[Subject]:
    settings = settings_from(config)
    return [Subject(located.obj, settings) for located in given.objects]


def _outcomes(checks: Iterable[Check]) -> list[Outcome]:
    return [outcome for check in checks for outcome in check.outcomes()]


def _subject(outcome: Outcome) -> Subject:
    return outcome.finding.subject if isinstance(outcome, Exempt) else outcome.subject


def _at(located: Located, outcome: Outcome) -> At:
    if isinstance(outcome, Undecided):
        return At(located.file, spot(located.node, ""), outcome)
    flaw = outcome.finding.flaw if isinstance(outcome, Exempt) else outcome.flaw
    return At(located.file, spot(located.node, flaw.found), outcome)
