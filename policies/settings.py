"""The pack's settings, as `--policy-pack-config` gives them. Imports the rule's levels only."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.rule import Level, Rule

# JSON Schema of each parameter; the engine checks values against it. The defaults are those of Settings: with any in
# here the engine would fill them in, and what somebody wrote for one policy could not be told from what nobody wrote.
PARAMETERS: dict[str, dict[str, Any]] = {
    "hotMinReplicas": {
        "type": "integer",
        "minimum": 1,
        "description": "the fewest replicas that a hot model may have",
    },
    "hotModels": {
        "type": "array",
        "items": {"type": "string"},
        "description": "names of models that are hot without the label substrate.dev/tier: hot",
    },
    "engineImages": {
        "type": "array",
        "items": {"type": "string"},
        "description": "image repositories of further language-model servers; * matches anything",
    },
    "floors": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "a product's lowest version, higher than the pack's own: {vllm: 0.33.0}",
    },
}
LEVELS = "levels"


@dataclass(frozen=True)
class Settings:
    """The settings of one run."""

    hot_min_replicas: int = 1
    hot_models: frozenset[str] = frozenset()
    engine_images: tuple[str, ...] = ()
    floors: Mapping[str, str] = field(default_factory=dict)  # what raises policies.floors, by product
    levels: Mapping[str, Level] = field(default_factory=dict)  # by rule; the rule's own where it is not named
    today: datetime.date = field(default_factory=datetime.date.today)  # by which exemptions end

    def level(self, rule: Rule) -> Level:
        return self.levels.get(rule.name, rule.level)


def schema(rules: tuple[Rule, ...]) -> dict[str, dict[str, Any]]:
    """JSON Schema of all settings: the parameters, and a level for each rule."""
    levels = {one.name: {"type": "string", "enum": [level.value for level in Level]} for one in rules}
    described = "what a finding of a rule does to a run, by the rule's name"
    return {
        **PARAMETERS,
        LEVELS: {"type": "object", "properties": levels, "additionalProperties": False, "description": described},
    }


def unknown_settings(config: Mapping[str, Any]) -> list[str]:
    """Settings that the pack does not have; the engine lets a misspelt one pass."""
    return sorted(config.keys() - {*PARAMETERS, LEVELS})


def settings_from(config: Mapping[str, Any]) -> Settings:
    """The settings in what the SDK hands a policy, which is nothing at all outside the engine."""
    levels = config.get(LEVELS, {})
    return Settings(
        hot_min_replicas=int(config.get("hotMinReplicas", 1)),
        hot_models=frozenset(config.get("hotModels", ())),
        engine_images=tuple(config.get("engineImages", ())),
        floors={name: str(version) for name, version in dict(config.get("floors", {})).items()},
        levels={name: Level(levels[name]) for name in levels},
    )
