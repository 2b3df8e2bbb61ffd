"""Kubernetes' quantities and Go's durations as numbers. Imports `plain` only."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from policies.resources.plain import text

_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:[eE]([+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?")
_UNITS = {
    **{letter + "i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{letter: Decimal(1000) ** -power for power, letter in enumerate("mun", 1)},
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def quantity(value: Any) -> Decimal | None:
    """`2Gi` in bytes, `500m` in cores; None for what is no quantity. Raises UnknownValueError."""
    found = _QUANTITY.fullmatch((text(value) or "").strip())
    if found is None:
        return None
    number, exponent, unit = found.groups()
    return Decimal(number) * (Decimal(10) ** int(exponent) if exponent else _UNITS[unit] if unit else 1)


def seconds(value: Any) -> float | None:
    """`90s`, `1h30m`, or bare seconds; None for what is no duration. Raises UnknownValueError."""
    written = (text(value) or "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", written):
        return float(written)
    parts = _DURATION.findall(written)
    if not parts or "".join(number + unit for number, unit in parts) != written:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
