"""Small catalogues for tables of values: a valid stack as a mapping, changed key by key. Imports the catalogue only."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from substrate.catalog import Report, check
from substrate.catalog.model import Catalog

SHA = "54201bac1d4448cda1b679cf560b709bfa0b4d7f02c9b30a67028e31b57e5d0b"
GGUF = {"model.gguf": {"sha256": SHA, "size": "4Gi"}}
SAFETENSORS = {
    "config.json": {"sha256": SHA, "size": "2Ki"},
    "model.safetensors": {"sha256": SHA.replace("5", "6"), "size": "4Gi"},
}
ARCHITECTURE = {"parameters": "7.6B", "layers": 28, "kvHeads": 4, "headDim": 128}

STACK: dict[str, Any] = {
    "cluster": {"context": "test", "baseUrl": "http://127.0.0.1:8080"},
    "pools": {"gpu": {"accelerator": "l40s", "nodes": ["n1", "n2"], "gpusPerNode": 4}},
    "stores": {"share": {"nfs": {"server": "s", "path": "/m"}, "size": "1Ti", "readMiBps": 100}},
    "teams": {"home": {}},
    "models": {
        "m": {
            "pool": "gpu",
            "context": 4096,
            "weights": {"from": "s3://bucket/m/", "files": GGUF},
            "architecture": ARCHITECTURE,
        }
    },
}


def stack(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The valid stack with values set by path (`models/m/pool`); None removes a key."""
    data = copy.deepcopy(STACK)
    for path, value in changes:
        *way, last = path.split("/")
        block = data
        for part in way:
            block = block.setdefault(part, {})
        if value is None:
            del block[last]
        else:
            block[last] = value
    return data


def report(data: dict[str, Any]) -> Report:
    """What checking a stack of these sections says."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Pulumi.test.yaml"
        # JSON is YAML too, without anchors for blocks that are the same object here.
        file.write_text(json.dumps({"config": {f"substrate:{key}": value for key, value in data.items()}}))
        return check(file)


def catalog(*changes: tuple[str, Any]) -> Catalog:
    """A valid catalogue, changed; fails with the diagnostics when it is not valid."""
    found = report(stack(*changes))
    assert found.catalog is not None, "\n".join(each.message for each in found.diagnostics)
    return found.catalog


def codes(*changes: tuple[str, Any]) -> list[str]:
    """The codes of what is said of a changed stack, warnings too."""
    return [str(each.code) for each in report(stack(*changes)).diagnostics]
