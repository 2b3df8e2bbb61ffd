"""What a container's command line and variables say, in whatever spelling. Imports `pods` and `plain`.

Values may hold secrets: they are for rules to compare, and never for a message.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from policies.resources.plain import mapping, mappings, sequence, text
from policies.resources.pods import Container

_YES = frozenset({"1", "true", "yes", "on", "y", "t"})
_REFERENCE = re.compile(r"\$\((\w+)\)|\$\{(\w+)\}|\$(\w+)")


class Option(NamedTuple):
    """`--name=value`, or `--name` with the word behind it, which may be a value or not."""

    name: str  # hyphens in place of underscores, as most engines read it
    value: str | None


def options(container: Container) -> Iterator[Option]:
    """Every option of the command line. Raises UnknownValueError."""
    words = container.words
    for word, after in zip(words, [*words[1:], ""], strict=False):
        if not word.startswith("-") or word.lstrip("-") == "":
            continue
        name, equals, value = word.partition("=")
        following = None if after.startswith("-") or not after else after
        yield Option(spelled(name), value if equals else following)


def spelled(name: str) -> str:
    return name.replace("_", "-") if name.startswith("--") else name


def option(container: Container, names: Collection[str]) -> Option | None:
    """The last of the options with one of these names, which is the one that counts."""
    return next(iter([one for one in options(container) if one.name in names][::-1]), None)


def variable(container: Container, name: str) -> str | None:
    """A variable's value; None where it is missing or comes from elsewhere. Raises UnknownValueError."""
    found = [entry for entry in mappings(container.body.get("env")) if text(entry.get("name")) == name]
    return text(found[-1].get("value")) if found else None


def elsewhere(container: Container, name: str) -> bool:
    """Whether a variable is there, and its value is in a Secret, a ConfigMap or the like."""
    return any(
        text(entry.get("name")) == name and "valueFrom" in entry for entry in mappings(container.body.get("env"))
    )


def may_have(container: Container, name: str) -> bool:
    """Whether a variable may come out of a ConfigMap, whole or by its name."""
    whole = any("configMapRef" in mapping(source) for source in sequence(container.body.get("envFrom")))
    return whole or elsewhere(container, name)


def yes(value: str | None) -> bool:
    """Whether a switch's value turns it on, as argparse programs and Hugging Face's libraries read it."""
    return value is not None and value.strip().strip("\"'").lower() in _YES


def resolved(container: Container, value: str) -> str | None:
    """`value` with variables of the container put in; None where one of them is not in the object."""
    missing = False

    def put(match: re.Match[str]) -> str:
        nonlocal missing
        found = variable(container, match[1] or match[2] or match[3])
        missing = missing or found is None
        return found or ""

    result = _REFERENCE.sub(put, value)
    return None if missing else result
