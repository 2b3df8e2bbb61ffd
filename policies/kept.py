"""What the pack keeps of what it found, for its last policy to tell of. Imports pulumi_policy's error and the judge.

Words, not outcomes: these hold their objects, whose unknown values hold errors, and their frames the engine's requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pulumi_policy.proxy import UnknownValueError as SdkUnknownValueError

from policies.judge import Check, Exempt, Finding, Outcome, Undecided
from policies.resources.plain import UnknownValueError
from policies.rule import Level
from policies.settings import Settings


class Told(NamedTuple):
    """One thing to report: of which resource (its URN, empty where there is none), and the text."""

    urn: str
    text: str


class NotDecided(NamedTuple):
    """A rule that could not judge an object."""

    rule: str
    reason: str
    about: str


@dataclass
class Words:
    """What came of some checks. `unknown` is the first value on which a rule of a level hangs, as the SDK names it."""

    findings: dict[Level, list[Told]] = field(default_factory=lambda: {level: [] for level in Level})
    exempt: list[Told] = field(default_factory=list)
    undecided: list[NotDecided] = field(default_factory=list)
    unknown: dict[Level, tuple[str, list[str]]] = field(default_factory=dict)

    def add(self, other: Words) -> None:
        for level in Level:
            self.findings[level] += other.findings[level]
        self.exempt += other.exempt
        self.undecided += other.undecided
        self.unknown = {**other.unknown, **self.unknown}

    def raise_unknown(self, level: Level) -> None:
        """Raises what the SDK tells the user, where a rule of this level hangs on an unknown value."""
        if level in self.unknown:
            raise SdkUnknownValueError(*self.unknown[level])

    def note(self, outcome: Outcome) -> None:
        if isinstance(outcome, Undecided):
            self.undecided.append(NotDecided(outcome.rule.name, outcome.reason, str(outcome.subject)))
        elif isinstance(outcome, Exempt):
            self.exempt.append(Told(outcome.finding.subject.obj.urn, str(outcome)))
        else:
            self.findings[outcome.level].append(_told(outcome))

    def note_unknown(self, level: Level, source: Exception) -> None:
        if isinstance(source, SdkUnknownValueError):
            self.unknown.setdefault(level, (source.unknown_type_sentinel, source.props))


def words(asked: Iterable[Check]) -> Words:
    """Ask every check in its turn, which one that hangs on an unknown value takes from no other."""
    found = Words()
    for check in asked:
        try:
            for outcome in check.outcomes():
                found.note(outcome)
        except UnknownValueError as error:
            found.note_unknown(check.subject.settings.level(check.rule), error.source)
    return found


@dataclass(frozen=True)
class Kept:
    """What one policy found, and the settings by which it judged."""

    settings: Settings
    words: Words


def _told(finding: Finding) -> Told:
    return Told(finding.subject.obj.urn, str(finding))
