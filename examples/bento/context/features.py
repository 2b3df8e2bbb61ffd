"""A text as counts of its character n-grams, hashed into columns: what training and serving must agree on.

Imports the standard library only.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

COLUMNS = 4096
_LONGEST = 3  # characters of an n-gram; four and more need a larger corpus than this example's
_WORDS = re.compile(r"[^\W\d_]+")


def normalised(text: str) -> str:
    """Words in lower case with one space around each: case, digits and punctuation tell languages apart badly."""
    return " ".join(["", *_WORDS.findall(text.lower()), ""])


def counts(text: str) -> Mapping[int, int]:
    """How often each column's n-grams occur in a text. CRC-32 is the same on every machine, unlike Python's hash."""
    return Counter(zlib.crc32(gram.encode()) % COLUMNS for gram in _grams(normalised(text)))


def _grams(text: str) -> Iterator[str]:
    for length in range(1, _LONGEST + 1):
        for start in range(len(text) - length + 1):
            yield text[start : start + length]
