"""All examples in one stack, each in a namespace of its rule's name: none meets another. Imports the examples."""

from __future__ import annotations

from typing import Any

from tests.policies.examples import EXAMPLES
from tests.policies.examples.example import Manifest

NAMESPACE, POOL = "ml", "a100"  # where the examples' objects are written to be


def refused() -> dict[str, Manifest]:
    """Every object of every refused stack by `<rule>.<number>`; the last of a rule is the one that it refuses."""
    return {name: manifest for rule in EXAMPLES for name, manifest in _moved(rule, EXAMPLES[rule].refused)}


def passed() -> dict[str, Manifest]:
    """The same of every stack that passes."""
    return {name: manifest for rule in EXAMPLES for name, manifest in _moved(rule, EXAMPLES[rule].passed)}


def guilty(rule: str) -> str:
    """The name of the object that a rule refuses."""
    return f"{rule}.{len(EXAMPLES[rule].refused) - 1}"


def _moved(rule: str, manifests: tuple[Manifest, ...]) -> list[tuple[str, Manifest]]:
    return [(f"{rule}.{number}", _renamed(manifest, rule)) for number, manifest in enumerate(manifests)]


def _renamed(value: Any, namespace: str) -> Any:
    """`value` with the examples' namespace replaced, also as a label's value and within a Service's host name.

    So is their pool: nodes are nobody's namespace's.
    """
    if isinstance(value, dict):
        return {key: _renamed(inner, namespace) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, namespace) for inner in value]
    if not isinstance(value, str):
        return value
    return namespace if value in (NAMESPACE, POOL) else value.replace(f".{NAMESPACE}.svc", f".{namespace}.svc")
