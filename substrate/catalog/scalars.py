"""What an unquoted scalar is, and when two readers of YAML would take it for two different things.

Imports the standard library only. PyYAML speaks YAML 1.1, Pulumi's engine a mix of 1.1 and 1.2: `0755` is 493 to one
and 755 to the other, `1e3` text or 1000, `no` false or text. Whatever is not the same everywhere is refused, with the
way to write what was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Larger numbers become floating point in the engine, and lose digits.
LARGEST_INTEGER = 2**63 - 1

_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"), "the boolean true"),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"), "the boolean false"),
    **dict.fromkeys(("~", "null", "Null", "NULL", ""), "no value at all"),
    **dict.fromkeys(
        (".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.Inf", "-.INF", "+.Inf", "+.INF"), "an infinite number"
    ),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "not a number"),
    "=": "YAML's default value",
    "<<": "YAML's merge key",
}
NOTHING = "no value at all"
_PLAIN_BOOLEANS = {"true": True, "false": False}
_FIRST = frozenset("0123456789+-.~=<yYnNtToOfF")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_READINGS = (
    (re.compile(r"[-+]?0[0-7_]+"), "an octal number"),
    (re.compile(r"[-+]?0o[0-7_]+"), "an octal number"),
    (re.compile(r"[-+]?0[0-9_]+"), "a number with a leading zero"),
    (re.compile(r"[-+]?0x[0-9a-fA-F_]+"), "a hexadecimal number"),
    (re.compile(r"[-+]?0b[01_]+"), "a binary number"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a number to base 60"),
    (re.compile(r"[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?[eE][-+]?[0-9]+"), "a number with an exponent"),
    (re.compile(r"[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"), "a fraction"),
    (re.compile(r"[-+]?[0-9][0-9_]*\.[0-9_]*"), "a fraction"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"), "a date"),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*"), "a number with underscores"),
    (re.compile(r"\+[0-9]+"), "a number with a sign"),
)
_READ_OTHERWISE = re.compile("|".join(pattern.pattern for pattern, _ in _READINGS))


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """An unquoted scalar that readers disagree on. `reading` is what one of them makes of it."""

    text: str
    reading: str

    @property
    def empty(self) -> bool:
        return self.reading == NOTHING

    @property
    def integer(self) -> int | None:
        """The whole number that was probably meant, for the help line; None when there is none."""
        try:
            number = float(self.text.replace("_", ""))
        except ValueError:
            return None
        return int(number) if number.is_integer() and abs(number) < 1e15 else None


def read_plain(text: str) -> str | int | bool | Ambiguous:
    """An unquoted scalar as text, whole number or boolean where every reader agrees, else Ambiguous."""
    if not text:
        return Ambiguous(text, NOTHING)
    if text[0] not in _FIRST:
        return text
    if text in _PLAIN_BOOLEANS:
        return _PLAIN_BOOLEANS[text]
    if text in _WORDS:
        return Ambiguous(text, _WORDS[text])
    return text if text[0].isalpha() else _number(text)


def _number(text: str) -> str | int | Ambiguous:
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if not _READ_OTHERWISE.fullmatch(text):
        return text
    return Ambiguous(text, next(reading for pattern, reading in _READINGS if pattern.fullmatch(text)))


def _integer(text: str) -> int | Ambiguous:
    if len(text) > 19 or abs(int(text)) > LARGEST_INTEGER:
        return Ambiguous(text, "a number of more than 64 bits")
    return int(text) if text != "-0" else Ambiguous(text, "a negative zero")
