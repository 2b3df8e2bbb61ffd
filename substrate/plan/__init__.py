"""Resolved plans: every default applied, every number computed. Imports the catalogue, facts and values; no Pulumi."""

from substrate.plan.build import plan_stack
from substrate.plan.types import (
    BentoPlan,
    ClaimPlan,
    FrontDoorPlan,
    KServePlan,
    KServePlatformPlan,
    LoggingPlan,
    ModelPlan,
    NamespacePlan,
    PoolPlan,
    RuntimePlan,
    ServerPlan,
    StackPlan,
    StagePlan,
    UpstreamPlan,
    WeightsPlan,
)

__all__ = [
    "BentoPlan",
    "ClaimPlan",
    "FrontDoorPlan",
    "KServePlan",
    "KServePlatformPlan",
    "LoggingPlan",
    "ModelPlan",
    "NamespacePlan",
    "PoolPlan",
    "RuntimePlan",
    "ServerPlan",
    "StackPlan",
    "StagePlan",
    "UpstreamPlan",
    "WeightsPlan",
    "plan_stack",
]
