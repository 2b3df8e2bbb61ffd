"""Secrets that must not stand in a stack file, and a line without them. Imports the standard library only."""

from __future__ import annotations

import re

# Each with a mark that its issuer made for being found, or that a URL cannot be without: no guess by entropy, so no
# false alarm on a sha256. The mark is looked for first, since most files hold none.
_KINDS = (
    ("a Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{16,}"),
    ("an AWS access key", "AKIA", r"\bAKIA[0-9A-Z]{16}\b"),
    ("a temporary AWS access key", "ASIA", r"\bASIA[0-9A-Z]{16}\b"),
    ("an API key", "sk-", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("a GitHub token", "gh", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    ("an NVIDIA API key", "nvapi-", r"\bnvapi-[A-Za-z0-9_-]{16,}"),
    ("a private key", "PRIVATE KEY", r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"),
    ("a user name and password in a URL", "@", r"(?<=://)[^/\s@\"']+@"),
)
_PATTERNS = tuple((what, mark, re.compile(pattern)) for what, mark, pattern in _KINDS)

# A value beside a key of such a name is hidden in messages whatever it looks like; `secretRef` only names a Secret.
_NAMED = re.compile(
    r"""((?:password|passwd|token|secret(?!_?ref)|api_?key|access_?key|credential)[\w-]*["']?\s*[:=]\s*)([^\s,}][^,}]*)""",
    re.IGNORECASE,
)


def found(text: str) -> list[tuple[int, int, str]]:
    """Every secret in a text: start, length, and what it is."""
    return [
        (match.start(), match.end() - match.start(), what)
        for what, mark, pattern in _PATTERNS
        if mark in text
        for match in pattern.finditer(text)
    ]


def hidden(text: str) -> str:
    """The text with every secret replaced by as many asterisks, so that a caret under it stays right."""
    for start, length, _ in found(text):
        text = text[:start] + "*" * length + text[start + length :]
    return _NAMED.sub(lambda match: match[1] + "*" * len(match[2]), text)
