"""A whole stack. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from substrate.plan.scaling import MonitoringPlan
from substrate.plan.types.cluster import NamespacePlan, PoolPlan
from substrate.plan.types.front_door import FrontDoorPlan
from substrate.plan.types.kserve import KServePlatformPlan
from substrate.plan.types.servers import ServerPlan
from substrate.plan.types.weights import ClaimPlan


@dataclass(frozen=True)
class StackPlan:
    """A whole stack, ready to be built."""

    name: str
    context: str
    namespaces: tuple[NamespacePlan, ...]
    pools: tuple[PoolPlan, ...]
    claims: tuple[ClaimPlan, ...]
    servers: tuple[ServerPlan, ...]
    kserve: KServePlatformPlan | None
    front_door: FrontDoorPlan | None
    monitoring: MonitoringPlan | None = None
