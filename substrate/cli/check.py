"""`substrate check`: the diagnostics of one stack file, or one line that says what it holds. Imports the catalogue."""

from __future__ import annotations

import sys
from pathlib import Path

from substrate.catalog import resolve
from substrate.catalog.diagnostics import errors
from substrate.catalog.loading import Report, check
from substrate.catalog.model import Catalog
from substrate.catalog.rendering import as_json, render


def run(path: Path, form: str) -> int:
    """Print what there is to say; 0 when the file is valid, else 1. JSON goes to standard output, text to error."""
    report = check(path)
    if form == "json":
        print(as_json(str(path), report.diagnostics))
    else:
        _print(path, report)
    return 0 if report.catalog else 1


def _print(path: Path, report: Report) -> None:
    if report.diagnostics:
        print(render(report.diagnostics), end="\n\n", file=sys.stderr)
    if report.catalog:
        print(f"ok: {path}: {summary(report.catalog)}")
    else:
        print(counts(report), file=sys.stderr)


def counts(report: Report) -> str:
    """`error: 3 errors, 1 warning`."""
    wrong = len(errors(report.diagnostics))
    warnings = len(report.diagnostics) - wrong
    return f"{_many(wrong, 'error')}" + (f", {_many(warnings, 'warning')}" if warnings else "")


def summary(catalog: Catalog) -> str:
    """`15 models, 4 teams, 4 pools (34 GPUs), 2 stores`."""
    gpus = sum(len(pool.nodes) * resolve.gpus_per_node(pool) for pool in catalog.pools.values())
    pools = _many(len(catalog.pools), "pool") + (f" ({_many(gpus, 'GPU')})" if gpus else "")
    parts = (_many(len(catalog.models), "model"), _many(len(catalog.teams), "team"), pools)
    return ", ".join((*parts, _many(len(catalog.stores), "store")))


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
