"""What secrets look like, by the mark that their issuer made for being found. Imports the standard library only."""

from __future__ import annotations

import re

# Each with a mark that its issuer made for being found, or that a URL cannot be without: no guess by entropy, so no
# false alarm on a sha256. The mark is looked for first, since most texts hold none.
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
PATTERNS = tuple((what, mark, re.compile(pattern)) for what, mark, pattern in _KINDS)


def found(text: str) -> list[tuple[int, int, str]]:
    """Every secret in a text: start, length, and what it is."""
    return [
        (match.start(), match.end() - match.start(), what)
        for what, mark, pattern in PATTERNS
        if mark in text
        for match in pattern.finditer(text)
    ]
