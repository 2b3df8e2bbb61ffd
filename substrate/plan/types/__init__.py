"""The plan's types: what builders and components read. Values only; imports substrate's values."""

from substrate.plan.types.cluster import DestinationPlan, NamespacePlan, NetworkPlan, PoolPlan, TaintPlan
from substrate.plan.types.engine import EnginePlan, ResourcesPlan, StartupPlan
from substrate.plan.types.front_door import FrontDoorPlan, StartingPlan, UpstreamPlan
from substrate.plan.types.kserve import (
    KnativeGatewayPlan,
    KServeInstallPlan,
    KServePlan,
    KServePlatformPlan,
    PartPlan,
    RuntimePlan,
)
from substrate.plan.types.servers import BentoPlan, LoggingPlan, ModelPlan, RolloutPlan, ServerPlan, StagePlan
from substrate.plan.types.stack import StackPlan
from substrate.plan.types.weights import ClaimPlan, FilePlan, NfsPlan, SourcePlan, WeightsPlan

__all__ = [
    "BentoPlan",
    "ClaimPlan",
    "DestinationPlan",
    "EnginePlan",
    "FilePlan",
    "FrontDoorPlan",
    "KServeInstallPlan",
    "KServePlan",
    "KServePlatformPlan",
    "KnativeGatewayPlan",
    "LoggingPlan",
    "ModelPlan",
    "NamespacePlan",
    "NetworkPlan",
    "NfsPlan",
    "PartPlan",
    "PoolPlan",
    "ResourcesPlan",
    "RolloutPlan",
    "RuntimePlan",
    "ServerPlan",
    "SourcePlan",
    "StackPlan",
    "StagePlan",
    "StartingPlan",
    "StartupPlan",
    "TaintPlan",
    "UpstreamPlan",
    "WeightsPlan",
]
