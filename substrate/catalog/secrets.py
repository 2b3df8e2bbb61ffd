"""Secrets that must not stand in a stack file, and a line without them. Imports the standard library only."""

from __future__ import annotations

import re

# Each with a prefix that its issuer made for being found: no guess by entropy, so no false alarm on a sha256.
_KINDS = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{16,}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "an API key": r"\bsk-[A-Za-z0-9_-]{16,}",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{16,}",
    "an NVIDIA API key": r"\bnvapi-[A-Za-z0-9_-]{16,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a user name and password in a URL": r"(?<=://)[^/\s@\"']+@",
}
_NAMES = list(_KINDS)
_PATTERN = re.compile("|".join(f"({pattern})" for pattern in _KINDS.values()))

# A value beside a key of such a name is hidden in messages whatever it looks like; `secretRef` only names a Secret.
_NAMED = re.compile(
    r"""((?:password|passwd|token|secret(?!_?ref)|api_?key|access_?key|credential)[\w-]*["']?\s*[:=]\s*)([^\s,}][^,}]*)""",
    re.IGNORECASE,
)


def found(text: str) -> list[tuple[int, int, str]]:
    """Every secret in a text: start, length, and what it is."""
    return [
        (match.start(), match.end() - match.start(), _NAMES[(match.lastindex or 1) - 1])
        for match in _PATTERN.finditer(text)
    ]


def hidden(text: str) -> str:
    """The text with every secret replaced by as many asterisks, so that a caret under it stays right."""
    text = _PATTERN.sub(lambda match: "*" * len(match[0]), text)
    return _NAMED.sub(lambda match: match[1] + "*" * len(match[2]), text)
