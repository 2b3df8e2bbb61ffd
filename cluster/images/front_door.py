"""The image of the front door: Envoy, laid out as its official image is. Imports cluster.tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import tools
from cluster.images import debian, layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.foundations import ENVOY
from cluster.tools.process import Runner

_BINARY = "usr/local/bin/envoy"


def _base_sources() -> Mapping[str, bytes]:
    return {"root": identity(tools.path("envoy-root"))}


def _base_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from debian.root("envoy-root")
    yield from users()


def _envoy_sources() -> Mapping[str, bytes]:
    return {"envoy": identity(tools.path("envoy"))}


def _envoy_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield layers.file(_BINARY, tools.path("envoy"), 0o755)


IMAGE = Image(
    "envoy",
    ENVOY.version,
    tools=("envoy", "envoy-root"),
    layers=(
        Layer("envoy-base", _base_sources, _base_members),
        Layer("envoy", _envoy_sources, _envoy_members),
    ),
    config=Config(entrypoint=(f"/{_BINARY}",), user=f"{NONROOT}:{NONROOT}"),
    seconds=2,
)
