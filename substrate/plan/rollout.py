"""Rollout arithmetic: whether a pool can hold one replica more. Pure; imports the plan's types."""

from __future__ import annotations

from substrate.plan.types import RolloutPlan


def rollout(pool_units: float, reserved_units: float, replica_units: float) -> RolloutPlan:
    """Surge by one where the pool has units (GPUs, or cores on a CPU pool) spare for a replica, else make room first.

    `reserved_units` is what all models of the pool hold at their minimum. On a pool without a spare GPU a surge would
    wait for ever for a second one, so one old replica goes before its successor starts.
    """
    spare = int(max(0, pool_units - reserved_units) // replica_units)
    return RolloutPlan(1, 0, spare) if spare else RolloutPlan(0, 1, spare)
