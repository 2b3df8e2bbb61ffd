"""The pack's settings, as `--policy-pack-config` gives them. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# JSON Schema of each setting; the engine checks values against it and fills in the defaults.
SCHEMA: dict[str, dict[str, Any]] = {
    "hotMinReplicas": {
        "type": "integer",
        "minimum": 1,
        "default": 1,
        "description": "the fewest replicas that a hot model may have",
    },
    "hotModels": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "names of models that are hot without the label substrate.dev/tier: hot",
    },
    "engineImages": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "image repositories of further language-model servers; * matches anything",
    },
}


@dataclass(frozen=True)
class Options:
    """The settings of one run; the defaults are the schema's."""

    hot_min_replicas: int = 1
    hot_models: frozenset[str] = frozenset()
    engine_images: tuple[str, ...] = ()


def unknown_settings(config: Mapping[str, Any] | None) -> list[str]:
    """Settings that the pack does not have; the engine lets a misspelt one pass."""
    return sorted((config or {}).keys() - SCHEMA.keys())


def options_from(config: Mapping[str, Any] | None) -> Options:
    """The settings in what the SDK hands a policy, which is nothing at all outside the engine."""
    given = config or {}
    return Options(
        hot_min_replicas=int(given.get("hotMinReplicas", 1)),
        hot_models=frozenset(given.get("hotModels", ())),
        engine_images=tuple(given.get("engineImages", ())),
    )
