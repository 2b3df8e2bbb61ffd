"""What a running engine exposes, held against the registry of its metrics. Imports prometheus_client, the facts.

Checks in tests of engines call `assert_known` with the page that they read anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from substrate.facts.metrics import BY_ENGINE, is_exported
from substrate.facts.metrics.types import Exported, Registry
from substrate.queries import metrics_of

# Of the program's language and its web server; they are nobody's promise and nothing of ours reads them.
_RUNTIMES = ("python_", "process_", "http_", "go_", "promhttp_")
_OF_PARTS = {"le", "quantile"}


def assert_known(text: str, engine: str) -> None:
    """Every family of the page is listed, of that kind and with those labels; what scaling reads is there."""
    faults = [*unlisted(text, engine), *missing(text, engine)]
    assert not faults, "\n".join(faults)


def unlisted(text: str, engine: str) -> Iterator[str]:
    registry = BY_ENGINE[engine]
    listed = {metric.name: metric for metric in (*registry.metrics, *registry.beside)}
    for family in text_string_to_metric_families(text):
        names = [name for name in (family.name, f"{family.name}_total") if name in listed]
        if names:
            yield from _faults(family, listed[names[0]], registry)
        elif not family.name.startswith(_RUNTIMES) and not is_exported(registry, family.name):
            yield f"{engine} exposes {family.name} ({family.type}), which is not in its registry"


def _faults(family: Metric, listed: Exported, registry: Registry) -> Iterator[str]:
    if family.type != listed.kind.value:
        yield f"{listed.name} is exposed as a {family.type}, listed as a {listed.kind.value}"
    there = {label for sample in family.samples for label in sample.labels} - _OF_PARTS
    allowed = {*registry.labels, *listed.labels}
    # What says what an engine is has a label for each thing that it says.
    if listed.unit != "info" and (odd := there - allowed):
        yield f"{listed.name} has labels {sorted(odd)} that are not listed"
    if family.samples and (lacking := set(listed.labels) - there):
        yield f"{listed.name} lacks the listed labels {sorted(lacking)}"


def missing(text: str, engine: str) -> Iterator[str]:
    """Of what autoscaling asks an engine for."""
    metrics = metrics_of(engine)
    read = (metrics.running, metrics.waiting, metrics.kv_cache_usage, metrics.generated, metrics.first_token)
    for metric in filter(None, read):
        if not re.search(rf"^# TYPE {re.escape(metric.name)} {metric.kind.value}$", text, re.MULTILINE):
            yield f"{engine} does not expose {metric.name} as a {metric.kind.value}, which scaling reads"
