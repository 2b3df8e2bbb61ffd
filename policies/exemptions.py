"""Exemptions: an annotation lets one object off one rule, with a reason and until a day. Imports the resources.

metadata:
  annotations:
    policy.substrate.dev/moving-image: "2027-03-31 the vendor ships no tags before (PLAT-123)"
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from policies.resources.objects import KubernetesObject
from policies.resources.plain import text

PREFIX = "policy.substrate.dev/"
FORM = 'as "2027-03-31 why, and who knows more"'
_WRITTEN = re.compile(r"(\d{4}-\d{2}-\d{2})[:,]?\s+(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class Exemption:
    """One that can be read."""

    rule: str
    until: datetime.date  # the last day on which it holds
    reason: str

    def holds(self, today: datetime.date) -> bool:
        return today <= self.until


@dataclass(frozen=True)
class Unreadable:
    """An annotation that excuses nothing, and why."""

    rule: str
    what: str  # as the rest of a sentence


def exemptions(obj: KubernetesObject, rules: Container[str]) -> Iterator[Exemption | Unreadable]:
    """What the object's annotations say. Raises UnknownValueError."""
    for key in obj.annotations:
        if key.startswith(PREFIX):
            yield _read(key.removeprefix(PREFIX), text(obj.annotations[key]) or "", rules)


def _read(name: str, written: str, rules: Container[str]) -> Exemption | Unreadable:
    if name not in rules:
        return Unreadable(name, f"names no rule: there is no {name}")
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        return Unreadable(name, "does not say until when and why")
    try:
        return Exemption(name, datetime.date.fromisoformat(match[1]), " ".join(match[2].split()))
    except ValueError:
        return Unreadable(name, f"says {match[1]}, and there is no such day")
