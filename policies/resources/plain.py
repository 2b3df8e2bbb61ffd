"""The boundary to Pulumi: proxied properties become plain Python values. Imports the standard library only.

A value that is not known before the update stays where it is as an `Unknown`, and whoever reads it gets an
UnknownValueError, which the pack reports. So one unknown label does not keep a rule from judging an image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

Object = dict[str, Any]


class UnknownValueError(Exception):
    """A value was read that only the update will know. `source` is what the SDK raised for it, and can report."""

    def __init__(self, source: Exception) -> None:
        super().__init__(str(source))
        self.source = source


class Unknown:
    """A value that only the update will know. The accessors below raise `error` on reading it."""

    def __init__(self, error: UnknownValueError) -> None:
        self.error = error

    def _raise(self, *_: object) -> NoReturn:
        raise self.error

    # A rule that reads without an accessor must fail the same way, and never take an unknown for "no".
    __bool__ = __hash__ = __iter__ = __len__ = __getitem__ = __contains__ = __eq__ = __lt__ = _raise


def plain(value: Any, unknown: tuple[type[Exception], ...] = ()) -> Any:
    """`value` as dict, list, str, bool, int, float or None; unknown parts become `Unknown`, whole floats integers.

    `unknown` are the errors that a proxy raises for a part that is not known; plain data raises none.
    """
    if value is None or isinstance(value, (str, int)):
        return value  # most values; the proxies' abstract types take ten times as long to ask
    if isinstance(value, Mapping):
        return {str(key): _read(value, key, unknown) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_read(value, index, unknown) for index in range(len(value))]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # numbers cross the engine's protocol as doubles
    return value


def _read(container: Any, key: Any, unknown: tuple[type[Exception], ...]) -> Any:
    try:
        return plain(container[key], unknown)
    except unknown as error:
        return Unknown(UnknownValueError(error))


def known(value: Any) -> Any:
    """`value` itself. Raises UnknownValueError for an unknown one."""
    if isinstance(value, Unknown):
        raise value.error
    return value


def mapping(value: Any) -> Object:
    """A mapping; empty where there is none, or where something else stands (the API refuses that)."""
    value = known(value)
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """A list; empty where there is none."""
    value = known(value)
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[Object]:
    """The mappings of a list, unknown ones as errors. Keeps positions: something else becomes an empty mapping."""
    return [mapping(item) for item in sequence(value)]


def text(value: Any) -> str | None:
    """A scalar as text, None where there is none."""
    value = known(value)
    return None if value is None or isinstance(value, (dict, list)) else str(value)


def whole(value: Any) -> int | None:
    """A whole number, also one written as text (annotations are); None for anything else."""
    value = known(value)
    if isinstance(value, bool):
        return None
    try:
        return int(value) if isinstance(value, (int, str)) else None
    except ValueError:
        return None


def dig(value: Any, *path: str) -> Any:
    """The value at a path of keys, None where a step is missing. Raises UnknownValueError at an unknown step."""
    for key in path:
        value = mapping(value).get(key)
    return value
