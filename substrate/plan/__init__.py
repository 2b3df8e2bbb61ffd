"""Resolved plans: every default applied, every number computed. Imports the catalogue, facts and values; no Pulumi."""

from substrate.plan.build import plan_stack
from substrate.plan.types import (
    ClaimPlan,
    ModelPlan,
    NamespacePlan,
    PoolPlan,
    ServerPlan,
    StackPlan,
    WeightsPlan,
)

__all__ = [
    "ClaimPlan",
    "ModelPlan",
    "NamespacePlan",
    "PoolPlan",
    "ServerPlan",
    "StackPlan",
    "WeightsPlan",
    "plan_stack",
]
