"""The form of an example. Imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """Two stacks: of `refused` the rule says `found` of its last object, and no rule says anything else; of `passed`
    no rule says anything. Objects go to namespace `ml`; names need be unique within one stack only.
    """

    refused: tuple[Manifest, ...]
    found: str  # a part of the message: the field and its value
    passed: tuple[Manifest, ...]
