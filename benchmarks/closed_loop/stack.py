"""The stack whose model the closed loop scales, taken the whole way: text, catalogue, plan. Imports those rooms.

It is not deployed: of its plan come the autoscalers and what reads the metrics; the engines are the loop's own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from substrate.catalog import load
from substrate.plan import StackPlan, plan_stack

NAME, TEAM = "chat", "closed-loop"
_DIGEST = "0" * 64
# An 8B on one large GPU, as the simulated engine's reference is; and what the embedded cluster serves.
_8B = {
    "pool": "h100",
    "context": 2048,
    "parallel": 128,
    "architecture": {"parameters": "8.0B", "layers": 32, "kvHeads": 8, "headDim": 128},
}
_135M = {
    "pool": "cpu",
    "context": 512,
    "parallel": 4,
    "architecture": {"parameters": "135M", "layers": 30, "kvHeads": 3, "headDim": 64, "quantization": "q4_1"},
}
_MODELS: Mapping[str, Mapping[str, Any]] = {"vllm": _8B, "llama.cpp": _135M}
_FILES: Mapping[str, Mapping[str, str]] = {
    "vllm": {"config.json": "2Ki", "model.safetensors": "15Gi"},
    "llama.cpp": {"model.gguf": "94Mi"},
}


def plan(engine: str, least: int, most: int, **scaling: Any) -> StackPlan:
    """Of the model on an engine, scaled as its block says. Raises CatalogError."""
    files = {name: {"sha256": _DIGEST, "size": size} for name, size in _FILES[engine].items()}
    model = {
        "team": TEAM,
        "tier": "hot",
        "engine": engine,
        "replicas": {"min": least, "max": most},
        "scaling": scaling,
        "weights": {"from": f"s3://models/{NAME}/", "files": files},
        **_MODELS[engine],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Pulumi.loop.yaml"
        path.write_text(yaml.safe_dump({"config": _config(model)}))
        return plan_stack(load(path), "loop")


def _config(model: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "substrate:cluster": {"context": "substrate-local", "baseUrl": "http://127.0.0.1:8080"},
        "substrate:pools": {
            "h100": {"accelerator": "h100-80gb", "nodes": ["gpu-node"], "gpusPerNode": 8},
            "cpu": {"accelerator": "cpu", "nodes": ["engine-local"], "nodeCpus": 8, "nodeMemory": "16Gi"},
        },
        "substrate:stores": {"disk": {"storageClass": "node-local", "size": "100Gi", "readMiBps": 1000}},
        "substrate:teams": {TEAM: {}},
        "substrate:defaults": {"store": "disk"},
        "substrate:monitoring": {"prometheus": "http://prometheus.monitoring:9090"},
        "substrate:autoscaling": {"through": "prometheus-adapter"},
        "substrate:models": {NAME: model},
    }
