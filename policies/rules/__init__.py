"""All rules, a file a topic. Imports the topics."""

from __future__ import annotations

from policies.rule import Rule
from policies.rules import (
    autoscaling,
    disruption,
    ended,
    engine_metrics,
    exempt,
    fetched,
    hot_models,
    images,
    network,
    platform,
    pods,
    pools,
    probes,
    restricted,
    rollout,
    scalers,
    secrets,
    unsafe_weights,
    versions,
    weights,
    zero,
)

# In the order in which they are told of.
TOPICS: dict[str, tuple[Rule, ...]] = {
    "autoscaling": autoscaling.RULES,
    "scalers": scalers.RULES,
    "engine_metrics": engine_metrics.RULES,
    "hot_models": hot_models.RULES,
    "zero": zero.RULES,
    "disruption": disruption.RULES,
    "pools": pools.RULES,
    "rollout": rollout.RULES,
    "weights": weights.RULES,
    "fetched": fetched.RULES,
    "unsafe_weights": unsafe_weights.RULES,
    "restricted": restricted.RULES,
    "pods": pods.RULES,
    "probes": probes.RULES,
    "images": images.RULES,
    "ended": ended.RULES,
    "versions": versions.RULES,
    "platform": platform.RULES,
    "network": network.RULES,
    "secrets": secrets.RULES,
}
_RULES = tuple(one for rules in TOPICS.values() for one in rules)
BY_NAME = {one.name: one for one in _RULES}
RULES = (*_RULES, exempt.exemption_rule(BY_NAME))
assert len(BY_NAME) == len(_RULES), "two rules have one name"
