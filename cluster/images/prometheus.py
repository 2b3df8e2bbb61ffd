"""The images that the operator of Prometheus makes pods of: the server, and what reloads it. Imports cluster.tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from cluster import tools
from cluster.images import layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.scaling import PROMETHEUS, PROMETHEUS_OPERATOR
from cluster.tools.process import Runner

_SERVER, _RELOADER = "usr/bin/prometheus", "bin/prometheus-config-reloader"
_LIBRARIES, _TABLES = ("lib", "lib64", "usr/lib"), "usr/lib/x86_64-linux-gnu/gconv"
_USER = f"{NONROOT}:{NONROOT}"


def _server_sources() -> Mapping[str, bytes]:
    return {"root": identity(tools.path("prometheus-root"))}


def _server_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from layers.unpacked(tools.path("prometheus-root"), _needed)
    yield from users()


def _needed(path: PurePosixPath) -> bool:
    """The server, the C library that it is linked to, and the licences."""
    library = any(path.is_relative_to(folder) for folder in _LIBRARIES) and not path.is_relative_to(_TABLES)
    licence = path.is_relative_to("usr/share/doc") and path.name == "copyright"
    return library or licence or str(path) == _SERVER


def _reloader_sources() -> Mapping[str, bytes]:
    return {"reloader": identity(tools.path("prometheus-config-reloader"))}


def _reloader_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield layers.file(_RELOADER, tools.path("prometheus-config-reloader"), 0o755)
    yield from users()


IMAGES = (
    Image(
        "prometheus",
        PROMETHEUS.version,
        tools=("prometheus-root",),
        layers=(Layer("prometheus", _server_sources, _server_members),),
        config=Config(entrypoint=(f"/{_SERVER}",), user=_USER),
        seconds=2,
    ),
    Image(
        "prometheus-config-reloader",
        PROMETHEUS_OPERATOR.version,
        tools=("prometheus-config-reloader",),
        layers=(Layer("prometheus-config-reloader", _reloader_sources, _reloader_members),),
        config=Config(entrypoint=(f"/{_RELOADER}",), user=_USER),
        seconds=1,
    ),
)
