"""The engines that this version serves with, one file each. Imports nothing but its own files."""

from substrate.plan.engines.base import Engine, Placement, Serving
from substrate.plan.engines.llama_cpp import LlamaCpp
from substrate.plan.engines.vllm import Vllm

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (LlamaCpp(), Vllm())}

__all__ = ["ENGINES", "Engine", "Placement", "Serving"]
