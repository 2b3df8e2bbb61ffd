"""Exemptions can be read and end. Imports the rule and the resources. What they let off is the judge's to leave out."""

from __future__ import annotations

from collections.abc import Container, Iterator

from policies.exemptions import FORM, PREFIX, Unreadable, exemptions
from policies.resources.subject import Subject
from policies.rule import Flaw, Rule, Severity, rule

WHY = (
    "an exemption that nobody can read excuses nothing, and one without an end is never looked at again: the mistake "
    "that it let pass for a week is still there in a year"
)


def exemption_rule(rules: Container[str]) -> Rule:
    """The rule over the exemptions of `rules`; it can itself not be exempted."""

    @rule("exemption", Severity.MEDIUM, WHY, "policies/README.md")
    def exemption(subject: Subject) -> Iterator[Flaw]:
        for one in exemptions(subject.obj, rules):
            key = f"{PREFIX}{one.rule}"
            if isinstance(one, Unreadable):
                yield Flaw(f"annotation {key} {one.what}", f"write {PREFIX}<rule> {FORM}, or take it away")
            elif not one.holds(subject.settings.today):
                yield Flaw(f"annotation {key} ended on {one.until}", "mend what it let pass, or give it a new day")

    return exemption
