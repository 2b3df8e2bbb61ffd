"""Pulumi components that only wire: names, parents, dependencies, outputs. Usable from any Pulumi Python program."""

from components.bento_deployment import BentoDeployment
from components.front_door import FrontDoor
from components.gpu_node_pool import GpuNodePool
from components.kserve_platform import KServePlatform
from components.kserve_service import KServeService
from components.model import Model
from components.observability import Observability
from components.staged_weights import StagedWeights
from components.team import Team
from components.triton_server import TritonServer
from components.vllm_service import VllmService

__all__ = [
    "BentoDeployment",
    "FrontDoor",
    "GpuNodePool",
    "KServePlatform",
    "KServeService",
    "Model",
    "Observability",
    "StagedWeights",
    "Team",
    "TritonServer",
    "VllmService",
]
