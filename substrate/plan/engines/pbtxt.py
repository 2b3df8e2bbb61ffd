"""Protobuf's text format, as Triton reads a config.pbtxt: a value of mappings and sequences in, text out.

Pure; imports the standard library. A mapping is a message, a sequence repeats its field, a Word is bare. Text is quoted
as JSON quotes it, which text format reads the same way but for letters beyond the basic plane: those stay themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A value of an enumeration, by its name."""

    name: str


Value = str | bool | int | float | Word | Mapping[str, "Value"] | Sequence["Value"]
Message = Mapping[str, Value]


def text(message: Message) -> str:
    """One message, its fields in the mapping's order. Raises ValueError for a float that is not finite."""
    return "".join(f"{line}\n" for line in _lines(message))


def entries(values: Mapping[str, Value]) -> list[Value]:
    """A map field, which text format writes as repeated pairs."""
    return [{"key": key, "value": value} for key, value in values.items()]


def _lines(message: Message) -> Iterator[str]:
    for name, value in message.items():
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, Mapping):
                yield f"{name} {{"
                yield from (f"  {line}" for line in _lines(each))
                yield "}"
            else:
                yield f"{name}: {_scalar(each)}"


def _scalar(value: Value) -> str:
    return value.name if isinstance(value, Word) else json.dumps(value, ensure_ascii=False, allow_nan=False)
