"""For each rule what it refuses and what it lets pass, by topic. Imports the topics."""

from __future__ import annotations

from tests.policies.examples import (
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
from tests.policies.examples.example import Example

_TOPICS = (
    autoscaling,
    scalers,
    engine_metrics,
    hot_models,
    zero,
    disruption,
    pools,
    rollout,
    weights,
    fetched,
    unsafe_weights,
    restricted,
    pods,
    probes,
    images,
    ended,
    versions,
    platform,
    network,
    secrets,
    exempt,
)
EXAMPLES: dict[str, Example] = {name: example for topic in _TOPICS for name, example in topic.EXAMPLES.items()}
