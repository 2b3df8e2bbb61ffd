"""The engines that this version serves with, one file each. Imports nothing but its own files."""

from substrate.plan.engines.base import Engine, Placement, Serving
from substrate.plan.engines.bentoml import BentoMl
from substrate.plan.engines.llama_cpp import LlamaCpp
from substrate.plan.engines.nim import Nim
from substrate.plan.engines.ollama import Ollama
from substrate.plan.engines.tgi import Tgi
from substrate.plan.engines.triton import TritonServer
from substrate.plan.engines.vllm import Vllm

ENGINES: dict[str, Engine] = {
    engine.name: engine for engine in (BentoMl(), LlamaCpp(), Nim(), Ollama(), Tgi(), TritonServer(), Vllm())
}

__all__ = ["ENGINES", "Engine", "Placement", "Serving"]
