"""How an engine's metrics are written down. Imports the standard library and MetricKind only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from substrate.facts.engines import MetricKind

# What Prometheus' client adds to the name of a family, by kind; a counter's `_total` is part of its name here.
_SUFFIXES: Mapping[MetricKind, tuple[str, ...]] = {
    MetricKind.GAUGE: ("",),
    MetricKind.COUNTER: ("",),
    MetricKind.HISTOGRAM: ("_bucket", "_sum", "_count"),
    MetricKind.SUMMARY: ("", "_sum", "_count"),
}


def series(name: str, kind: MetricKind) -> tuple[str, ...]:
    """The names under which a metric stands in a query; all but a gauge also say when they were made."""
    stem = name.removesuffix("_total") if kind is MetricKind.COUNTER else name
    made = () if kind is MetricKind.GAUGE else (f"{stem}_created",)
    return (*(f"{name}{suffix}" for suffix in _SUFFIXES[kind]), *made)


@dataclass(frozen=True, slots=True)
class Exported:
    """One metric as it is scraped, but for a histogram's and summary's parts.

    `labels` are its own, beside those that all of the engine's metrics have. An empty `meaning` is its name's.
    """

    name: str
    kind: MetricKind
    unit: str
    labels: tuple[str, ...] = ()
    meaning: str = ""

    def series(self) -> tuple[str, ...]:
        return series(self.name, self.kind)


@dataclass(frozen=True, slots=True)
class Gone:
    """A metric that older releases exported. `until` is the last of them, None where that is not known."""

    name: str
    kind: MetricKind
    instead: str
    until: str | None = None

    def series(self) -> tuple[str, ...]:
        return series(self.name, self.kind)


@dataclass(frozen=True, slots=True)
class Registry:
    """All metrics of one engine.

    `prefix` is a pattern of what its names, and nobody else's, begin with. The list is whole for the releases from
    `since` to `read`, written as the engine's images are tagged. `labels` stand on every metric. `open` begins names
    that are not listed: what a plug-in or the model's own code adds. `beside` are those of a program in front of the
    engine that names its own as the engine does.
    """

    engine: str
    prefix: str
    since: str
    read: str
    source: str
    metrics: tuple[Exported, ...]
    gone: tuple[Gone, ...] = ()
    labels: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    beside: tuple[Exported, ...] = ()


def each(kind: MetricKind, unit: str, names: str, *labels: str, prefix: str = "") -> Iterator[Exported]:
    """Several metrics of one kind, unit and labels."""
    return (Exported(f"{prefix}{name}", kind, unit, labels) for name in names.split())
