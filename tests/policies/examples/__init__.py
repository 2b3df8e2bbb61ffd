"""For each rule what it refuses and what it lets pass: a file for each topic of the rules. Imports them all."""

from __future__ import annotations

from importlib import import_module

from policies.rules import TOPICS
from tests.policies.examples.example import Example

_FILES = [import_module(f"{__name__}.{topic}") for topic in (*TOPICS, "exempt")]
EXAMPLES: dict[str, Example] = {name: example for file in _FILES for name, example in file.EXAMPLES.items()}
