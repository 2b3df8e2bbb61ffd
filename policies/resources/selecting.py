"""Label selectors, as the API matches them. Imports `plain` only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.resources.plain import Object, mapping, mappings, sequence, text


def selects(selector: Any, labels: Object) -> bool:
    """Whether a LabelSelector matches the labels: an empty one matches all, a missing one nothing.

    Raises UnknownValueError where a label or a value that decides is not known.
    """
    if selector is None:
        return False
    wanted = mapping(mapping(selector).get("matchLabels"))
    requirements = mappings(mapping(selector).get("matchExpressions"))
    return all(text(labels.get(key)) == text(value) for key, value in wanted.items()) and all(
        _holds(requirement, labels) for requirement in requirements
    )


def _holds(requirement: Mapping[str, Any], labels: Object) -> bool:
    """A requirement of matchExpressions; NotIn and DoesNotExist hold where the label is missing."""
    operator, key = text(requirement.get("operator")), text(requirement.get("key")) or ""
    value = text(labels.get(key))
    values = [text(item) for item in sequence(requirement.get("values"))]
    if operator in ("In", "NotIn"):
        return (value in values) == (operator == "In")
    return (value is not None) == (operator == "Exists") and operator in ("Exists", "DoesNotExist")
