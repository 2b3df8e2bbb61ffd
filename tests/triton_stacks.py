"""The example's models as a stack file has them: two that run, an ensemble of the two. Imports the catalogue's tests.

The python models are examples/triton's own; the weights' digests are made up unless `files` are given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

MADE_UP = "54201bac1d4448cda1b679cf560b709bfa0b4d7f02c9b30a67028e31b57e5d0b"
MEASUREMENTS = {"name": "measurements", "dataType": "FP32", "dims": [4]}
SCALED = {"name": "scaled", "dataType": "FP32", "dims": [4]}
PROBABILITIES = {"name": "probabilities", "dataType": "FP32", "dims": [3]}
BATCHES: dict[str, Any] = {"maxBatchSize": 64, "dynamicBatching": {"maxQueueDelay": "5ms"}}
SERVER = "flowers"


def weights(name: str, files: Mapping[str, bytes] | None = None) -> dict[str, Any]:
    found = {path: _file(content) for path, content in (files or {}).items()}
    return {"from": f"s3://models/{name}/", "files": found or {"model.py": {"sha256": MADE_UP, "size": "4Ki"}}}


def _file(content: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": f"{len(content)}B"}


def model(pool: str, **triton: Any) -> dict[str, Any]:
    return {"pool": pool, "foundation": "triton", "triton": triton}


def runs(pool: str, files: dict[str, Any], takes: Any, gives: Any, **more: Any) -> dict[str, Any]:
    """A model of the python backend."""
    block = model(pool, backend="python", inputs=[takes], outputs=[gives], **{**BATCHES, **more})
    return {**block, "permissions": ["trust-remote-code"], "weights": files}


def flowers(pool: str, files: Mapping[str, Mapping[str, bytes]] | None = None) -> dict[str, Any]:
    """The models of one server."""
    staged = {name: weights(name, (files or {}).get(name)) for name in ("iris-scale", "iris-classify")}
    ensemble = {"steps": [{"model": "iris-scale"}, {"model": "iris-classify"}]}
    found = {
        "iris": model(pool, ensemble=ensemble, maxBatchSize=64, inputs=[MEASUREMENTS], outputs=[PROBABILITIES]),
        "iris-scale": runs(pool, staged["iris-scale"], MEASUREMENTS, SCALED),
        "iris-classify": runs(pool, staged["iris-classify"], SCALED, PROBABILITIES, parameters={"threads": "1"}),
    }
    return apart(found)


def apart(blocks: dict[str, Any]) -> dict[str, Any]:
    """Without values that stand in two places: YAML would write an alias for them, which no stack file may hold."""
    copied: dict[str, Any] = json.loads(json.dumps(blocks))
    return copied


def onnx(most: int, **more: Any) -> dict[str, Any]:
    """The block of a model that ONNX Runtime runs, in batches of at most so many rows."""
    tensors = {"inputs": [MEASUREMENTS], "outputs": [PROBABILITIES]}
    return {"backend": "onnxruntime", "maxBatchSize": most, **tensors, **more}


def servers(*models: str) -> dict[str, Any]:
    return {SERVER: {"models": list(models) or ["iris", "iris-scale", "iris-classify"]}}
