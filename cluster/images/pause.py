"""The image of every pod's first container. Imports the standard library and cluster.tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import tools
from cluster.images import layers
from cluster.images.image import Image, Layer, identity
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.kubernetes import PAUSE
from cluster.tools.process import Runner


def _sources() -> Mapping[str, bytes]:
    return {"pause": identity(tools.path("pause"))}


def _members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield layers.file("pause", tools.path("pause"), 0o755)


IMAGE = Image(
    "pause",
    PAUSE.version,
    tools=("pause",),
    layers=(Layer("pause", _sources, _members),),
    config=Config(entrypoint=("/pause",), user="65535:65535"),  # the user of Kubernetes' own pause image
    seconds=1,
)
