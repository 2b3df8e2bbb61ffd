"""What components find in a cluster and cannot go on with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import pulumi


def refuse(found: Sequence[Sequence[str]]) -> None:
    """Raise RunError, which ends the program with its text alone, where any of these says what is wrong."""
    if wrong := dict.fromkeys(chain.from_iterable(found)):
        raise pulumi.RunError("\n".join(wrong))
