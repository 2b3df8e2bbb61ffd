"""Judges objects by the rules, exemptions and levels observed. Imports the rules and the resources.

`checks` of a stack, asked one by one for their `outcomes`: findings, exempt findings, and what could not be decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

from policies.exemptions import Exemption, exemptions
from policies.resources.runtimes import completed
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Flaw, Level, NotApplicable, OfResource, Rule, Said
from policies.rules import BY_NAME


@dataclass(frozen=True)
class Finding:
    """A rule's flaw in one object of a run."""

    rule: Rule
    level: Level
    subject: Subject
    flaw: Flaw

    def __str__(self) -> str:
        why, flaw = self.flaw.why or self.rule.why, self.flaw
        told = f"{self.subject}: {flaw.found}\n  why: {why}\n  fix: {flaw.fix}"
        return f"{told}\n  rule: {self.rule.name} ({self.rule.link})"


@dataclass(frozen=True)
class Exempt:
    """A flaw that the object's own annotation lets pass."""

    finding: Finding
    exemption: Exemption

    def __str__(self) -> str:
        told = f"{self.finding.subject} is exempt from {self.exemption.rule} until {self.exemption.until}"
        return f"{told}: {self.exemption.reason}\n  found: {self.finding.flaw.found}"


@dataclass(frozen=True)
class Undecided:
    """A rule that could not judge an object: neither passed nor failed."""

    rule: Rule
    subject: Subject
    reason: str


Outcome = Finding | Exempt | Undecided


@dataclass(frozen=True)
class Check:
    """One rule over one object, not run before its turn: one with an unknown value takes no other with it."""

    rule: Rule
    subject: Subject
    ask: Callable[[], Iterator[Said]]

    def outcomes(self) -> Iterator[Outcome]:
        """Raises UnknownValueError where the rule hangs on a value that only the update will know."""
        for said in self.ask():
            if isinstance(said, NotApplicable):
                yield Undecided(self.rule, self.subject, said.reason)
                continue
            finding = Finding(self.rule, self.subject.settings.level(self.rule), self.subject, said)
            exempt = next((one for one in holding(self.subject) if one.rule == self.rule.name), None)
            yield Exempt(finding, exempt) if exempt else finding


def checks(rules: Sequence[Rule], stack: Stack) -> Iterator[Check]:
    """Every rule over every object of a stack."""
    for subject in stack.subjects:
        yield from checks_alone(rules, subject)
    yield from checks_together(rules, stack)


def checks_alone(rules: Iterable[Rule], subject: Subject) -> Iterator[Check]:
    """Each rule that judges an object alone, over this one."""
    for rule in _asked(rules, subject):
        if rule.check:
            yield Check(rule, subject, partial(rule.check, subject))


def checks_together(rules: Sequence[Rule], stack: Stack) -> Iterator[Check]:
    """Each rule that judges an object among its stack, over every object of it."""
    of_stacks = [rule for rule in rules if rule.check_in]
    for subject in stack.subjects:
        for rule in _asked(of_stacks, subject):
            if rule.check_in:
                yield Check(rule, subject, partial(rule.check_in, subject, stack))
    for subject in stack.subjects:
        yield from checks_completed(rules, subject, stack)


def checks_completed(rules: Iterable[Rule], subject: Subject, stack: Stack) -> Iterator[Check]:
    """Each rule that judges an object alone, over an InferenceService together with its runtime in the stack."""
    if subject.obj.kind != "InferenceService":
        return
    together = cache(partial(_together, subject, stack))
    for rule in _asked(rules, subject):
        if rule.check:
            yield Check(rule, subject, partial(_completed, rule.check, subject, together))


def _asked(rules: Iterable[Rule], subject: Subject) -> Iterator[Rule]:
    """Those that the settings have not disabled."""
    return (rule for rule in rules if subject.settings.level(rule) != Level.DISABLED)


def _together(subject: Subject, stack: Stack) -> tuple[Subject, Subject] | None:
    """An InferenceService's runtime in the stack, and the service with all that the runtime brings."""
    runtime = stack.runtime_of(subject)
    return (runtime, Subject(completed(subject.obj, runtime.obj), subject.settings)) if runtime else None


def _completed(
    check: OfResource, subject: Subject, together: Callable[[], tuple[Subject, Subject] | None]
) -> Iterator[Said]:
    """What neither of the two shows alone: what one lacks the other may have, and a mistake of one is told there."""
    if not (found := together()):
        return
    runtime, whole = found
    alone = [*check(subject), *check(runtime)]
    if not any(isinstance(said, Flaw) for said in alone):
        yield from (said for said in check(whole) if said not in alone)


def holding(subject: Subject) -> list[Exemption]:
    """The object's exemptions that can be read and have not ended."""
    found = exemptions(subject.obj, BY_NAME)  # asked for once a flaw is there only: most objects have none
    return [one for one in found if isinstance(one, Exemption) and one.holds(subject.settings.today)]
