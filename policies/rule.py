"""What a rule is and what it says of an object. Imports the part in CEL only.

A rule's name, severity, reason and link stand in one place, above its function; what it found and the way out are the
function's to say. No text ever holds a secret: no value of a variable, no argument of a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from policies.cel import Validation

if TYPE_CHECKING:
    from policies.resources.stack import Stack
    from policies.resources.subject import Subject


class Severity(StrEnum):
    """How bad it is where the rule is right."""

    CRITICAL = "critical"  # somebody else runs code, reads keys, or the whole service stops
    HIGH = "high"  # requests fail or wait for minutes
    MEDIUM = "medium"  # a later change or fault becomes one of the above
    LOW = "low"  # money, or minutes of a person's time


class Level(StrEnum):
    """What a finding does to a run."""

    MANDATORY = "mandatory"  # it stops
    ADVISORY = "advisory"  # it is told
    DISABLED = "disabled"  # the rule is not asked


@dataclass(frozen=True)
class Flaw:
    """One mistake in one object."""

    found: str  # the field and its value, as the rest of a sentence: `spec.minReplicas is 0`
    fix: str  # one concrete change
    why: str = ""  # where the rule's own reason is too general


@dataclass(frozen=True)
class NotApplicable:
    """The rule cannot be decided here, which is not a pass."""

    reason: str  # what is not said, and how to say it: `annotation substrate.dev/pool-gpus is missing`


Said = Flaw | NotApplicable
OfResource = Callable[["Subject"], Iterator[Said]]
OfStack = Callable[["Subject", "Stack"], Iterator[Said]]


@dataclass(frozen=True)
class Rule:
    """One rule. `check` judges an object alone, `check_in` an object among all of its stack; a rule has one of them."""

    name: str  # lower case with hyphens; people write it in settings and exemptions
    severity: Severity
    why: str
    link: str  # where a person reads more
    level: Level = Level.MANDATORY
    check: OfResource | None = field(default=None, repr=False)
    check_in: OfStack | None = field(default=None, repr=False)
    cel: tuple[Validation, ...] = field(default=(), repr=False)  # the same for the API server, as far as it can be said


def rule(
    name: str,
    severity: Severity,
    why: str,
    link: str,
    level: Level = Level.MANDATORY,
    cel: tuple[Validation, ...] = (),
) -> Callable[[OfResource], Rule]:
    """Makes a function of an object the rule that these words describe."""
    return lambda check: Rule(name, severity, why, link, level, check=check, cel=cel)


def stack_rule(
    name: str,
    severity: Severity,
    why: str,
    link: str,
    level: Level = Level.MANDATORY,
    cel: tuple[Validation, ...] = (),
) -> Callable[[OfStack], Rule]:
    """Makes a function of an object and its stack the rule that these words describe."""
    return lambda check: Rule(name, severity, why, link, level, check_in=check, cel=cel)
