"""The catalogue: text -> validated, located Catalog. Imports pydantic and pyyaml, never Pulumi.

What it offers is imported when it is asked for, so that `substrate.catalog.resolve` alone does not load the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from substrate.catalog.diagnostics import CatalogError, Diagnostic, Severity
    from substrate.catalog.loading import Report, check, load
    from substrate.catalog.model import Catalog

__all__ = ["Catalog", "CatalogError", "Diagnostic", "Report", "Severity", "check", "load"]

_HOMES = {
    "Catalog": "model",
    "CatalogError": "diagnostics",
    "Diagnostic": "diagnostics",
    "Report": "loading",
    "Severity": "diagnostics",
    "check": "loading",
    "load": "loading",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
