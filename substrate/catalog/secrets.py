"""Secrets that must not stand in a stack file, and a line without them. Imports facts only."""

from __future__ import annotations

import re

from substrate.facts.secret_shapes import found

# A value beside a key of such a name is hidden in messages whatever it looks like; `secretRef` only names a Secret.
_NAMED = re.compile(
    r"""((?:password|passwd|token|secret(?!_?ref)|api_?key|access_?key|credential)[\w-]*["']?\s*[:=]\s*)([^\s,}][^,}]*)""",
    re.IGNORECASE,
)


def hidden(text: str) -> str:
    """The text with every secret replaced by as many asterisks, so that a caret under it stays right."""
    for start, length, _ in found(text):
        text = text[:start] + "*" * length + text[start + length :]
    return _NAMED.sub(lambda match: match[1] + "*" * len(match[2]), text)
