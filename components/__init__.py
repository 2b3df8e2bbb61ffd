"""Pulumi components that only wire: names, parents, dependencies, outputs. Usable from any Pulumi Python program."""

from components.gpu_node_pool import GpuNodePool
from components.model import Model
from components.staged_weights import StagedWeights
from components.team import Team
from components.vllm_service import VllmService

__all__ = ["GpuNodePool", "Model", "StagedWeights", "Team", "VllmService"]
