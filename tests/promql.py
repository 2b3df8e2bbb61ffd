"""PromQL as its own parser reads it, held against what is exported: every name, and every label that is asked for.

Imports promql_parser (the parser in Rust that GreptimeDB keeps), the facts, and the recorded series' own tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import promql_parser as promql

from substrate.facts.metrics import EXPORTERS, REGISTRIES
from substrate.facts.metrics.types import Registry
from substrate.manifests.observability.monitors import TARGET_LABELS
from substrate.manifests.observability.series import Record
from substrate.queries import pod_label

# What a scrape puts on each series: the operator's own, and the pods' labels that our monitors ask for.
TARGET = {"namespace", "pod", "container", "endpoint", "job", "instance", *map(pod_label, TARGET_LABELS)}
# Made of the metric's kind.
_OF_PARTS = {"_bucket": {"le"}, "": {"quantile"}}
_NEW_LABEL = {"label_replace": 1, "label_join": 1}  # the argument that names the label which a function makes

_NAME = "__name__"

Known = Mapping[str | None, set[str]]


def exported() -> dict[str | None, set[str]]:
    """Each series that an engine or exporter has, with all labels that it may be asked by."""
    return {name: labels for registry in (*REGISTRIES, *EXPORTERS) for name, labels in _of(registry)}


def _of(registry: Registry) -> Iterator[tuple[str, set[str]]]:
    for metric in (*registry.metrics, *registry.beside):
        for name in metric.series():
            parts = next((more for suffix, more in _OF_PARTS.items() if suffix and name.endswith(suffix)), set())
            yield name, {*TARGET, *registry.labels, *metric.labels, *parts}


def recorded(records: Iterable[Record]) -> dict[str | None, set[str]]:
    return {record.name: {*record.labels, *record.set} for record in records}


def faults(query: str, known: Known) -> list[str]:
    """What is wrong with a query; empty where each series is there and has each label that is asked for.

    Labels of a clause (`by`, `on`, ...) are looked for among all series of the query, and among those that it makes.
    """
    try:
        tree = promql.parse(query)
    except ValueError as error:
        return [f"no PromQL: {error}"]
    parts = list(nodes(tree))
    selectors = [part for part in parts if isinstance(part, promql.VectorSelector)]
    made = {label for part in parts for label in _made(part)}
    there = made.union(*(known.get(series_of(selector), set()) for selector in selectors))
    asked = [label for part in parts for label in _clauses(part)]
    return [
        *(fault for selector in selectors for fault in _of_selector(selector, known)),
        *(f"no series of the query has label {label!r}" for label in asked if label not in there),
    ]


def _of_selector(selector: Any, known: Known) -> Iterator[str]:
    name = series_of(selector)
    if name not in known:
        yield f"nothing exports or records {name!r}"
        return
    for matcher in selector.matchers.matchers:
        if matcher.name not in (*known[name], _NAME):
            yield f"{name} has no label {matcher.name!r}"


def series_of(selector: Any) -> str | None:
    """Its name may be written as a label's value."""
    named = (matcher.value for matcher in selector.matchers.matchers if matcher.name == _NAME)
    return selector.name or next(named, None)


def nodes(tree: Any) -> Iterator[Any]:
    """A tree's parts, from the top."""
    yield tree
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        child = getattr(tree, name, None)
        if child is not None and not isinstance(child, (int, float, str)):
            yield from nodes(child)
    for argument in getattr(tree, "args", ()):
        yield from nodes(argument)


def _clauses(part: Any) -> Iterator[str]:
    modifier = getattr(part, "modifier", None)
    if modifier is None:
        return
    if isinstance(part, promql.AggregateExpr):
        yield from modifier.labels
        return
    yield from modifier.group_labels or ()
    if modifier.matching is not None:
        yield from modifier.matching.labels


def _made(part: Any) -> Iterator[str]:
    if isinstance(part, promql.Call) and part.func.name in _NEW_LABEL:
        yield part.args[_NEW_LABEL[part.func.name]].val


# Grafana's own words in a query stand for a duration or a label's value.
_VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$__interval": "1m"}


def filled(query: str) -> str:
    """A dashboard's query with values in the place of its variables."""
    for name, value in _VARIABLES.items():
        query = query.replace(name, value)
    return re.sub(r"\$\{?\w+(?::\w+)?\}?", "value", query)


def adapted(query: str) -> str:
    """A query of prometheus-adapter's rules as it asks it for one server."""
    return query.replace("<<.LabelMatchers>>", 'namespace="team",substrate_dev_model="model"')
