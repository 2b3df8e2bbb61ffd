"""Values with units, so that no bare number crosses a module's edge. Imports the standard library only."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar, NamedTuple, Self

_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGTP]i?|k|B)")
_PERCENTAGE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)%")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_CORES = re.compile(r"[1-9][0-9]{0,3}|[1-9][0-9]{0,5}m")
_CAPABILITY = re.compile(r"(\d{1,2})\.(\d)")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Bytes(int):
    """A size in bytes. Written as a Kubernetes quantity with a unit: `4.7Gi`, `500M`; `B` for exact bytes."""

    _UNITS: ClassVar[dict[str, int]] = {
        **{f"{letter}i": 1024**power for power, letter in enumerate("KMGTP", start=1)},
        **{letter: 1000**power for power, letter in enumerate("KMGTP", start=1)},
        "k": 1000,
        "B": 1,
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<number><unit>`; the result is rounded to a whole byte. Raises ValueError without a known unit."""
        found = _QUANTITY.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is not a size: write a number and a unit, as 4.7Gi, 500Mi, 16G or 98331360B")
        return cls(round(Decimal(found["number"]) * cls._UNITS[found["unit"]]))

    @property
    def mebibytes(self) -> int:
        """Whole MiB, rounded up, for a request that must not fall short."""
        return -(-self // 1024**2)

    def quantity(self) -> str:
        """The canonical Kubernetes quantity: the largest binary unit that divides it, else plain bytes."""
        for letter, power in (("Ti", 4), ("Gi", 3), ("Mi", 2), ("Ki", 1)):
            if self and self % 1024**power == 0:
                return f"{self // 1024**power}{letter}"
        return str(int(self))

    def __str__(self) -> str:
        """For people: two significant decimals in the fitting binary unit."""
        for letter, power in (("TiB", 4), ("GiB", 3), ("MiB", 2), ("KiB", 1)):
            if self >= 1024**power:
                return f"{self / 1024**power:.2f} {letter}"
        return f"{int(self)} bytes"


class Duration(float):
    """A time span in seconds. Written as `30s`, `5m`, `1h30m`."""

    _SECONDS: ClassVar[dict[str, float]] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one or more `<number><unit>`. Raises ValueError without a unit."""
        parts = _DURATION_PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            raise ValueError(f"{text!r} is not a duration: write a number and a unit, as 30s, 5m or 1h30m")
        return cls(sum(float(number) * cls._SECONDS[unit] for number, unit in parts))

    def __str__(self) -> str:
        return f"{self:g}s" if self < 120 else f"{self / 60:.1f}m"


class Share(float):
    """A part of a whole, above 0 and up to 1. Written as a percentage: `10%`, `0.5%`."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<number>%`. Raises ValueError for nothing, and for more than the whole."""
        found = _PERCENTAGE.fullmatch(text)
        share = Decimal(found[1]) / 100 if found else Decimal(0)
        if not 0 < share <= 1:
            raise ValueError(f"{text!r} is not a percentage: write a number above 0 and up to 100, as 10% or 0.5%")
        return cls(share)


class Cores(float):
    """CPU cores. Written as Kubernetes writes them: `2`, or thousandths as `250m`."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for anything but whole cores and thousandths."""
        if not _CORES.fullmatch(text):
            raise ValueError(f"{text!r} is not a number of cores: write 2, or thousandths as 250m")
        return cls(int(text[:-1]) / 1000 if text.endswith("m") else int(text))

    def __str__(self) -> str:
        return f"{self:.0f}" if self.is_integer() else f"{self * 1000:.0f}m"


class ComputeCapability(NamedTuple):
    """NVIDIA's compute capability, ordered: `ComputeCapability(6, 1) < ComputeCapability(7, 5)`."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        found = _CAPABILITY.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is not a compute capability: write major.minor, as 6.1 or 8.9")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Digest(str):
    """A sha256 in lower-case hex, 64 characters."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        if not _DIGEST.fullmatch(text):
            raise ValueError(f"a sha256 is 64 lower-case hex digits, this has {len(text)} characters: {text[:80]!r}")
        return cls(text)

    @property
    def short(self) -> str:
        """The first 12 digits: enough to name an object, as Git does."""
        return self[:12]
