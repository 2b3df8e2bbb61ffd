"""The image of NVIDIA's Triton Inference Server, laid out as NVIDIA's own is. Imports cluster.tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import tools
from cluster.images import debian, layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.engines import TRITON
from cluster.tools.process import Runner

_HOME = "opt/tritonserver"
_SITE = "usr/local/lib/python3.11/dist-packages"  # on sys.path of Debian's python3.11, the backend's included
_ENTRYPOINT = "opt/nvidia/nvidia_entrypoint.sh"
_ENTRYPOINT_TEXT = '#!/bin/sh\nexec "$@"\n'  # it runs what it is given, as NVIDIA's does after its banner
_APPLETS = ("sh", "cat", "ls", "sleep", "wget")  # the backend tries a stub by /bin/sh; the others are for people
# The backend looks for its libraries beside the Python packages that it was shipped among. Without them its stub
# ends with an error that it takes for a missing permission, and sets, which a read-only root refuses.
_SHIPPED_LIBRARIES = "nvidia_pytriton.libs"


def _base_sources() -> Mapping[str, bytes]:
    roots = {name: identity(tools.path(name)) for name in ("triton-root", "busybox-root")}
    return roots | {"applets": " ".join(_APPLETS).encode()}


def _base_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from debian.root("triton-root")
    yield from debian.busybox()
    yield from (layers.link(f"bin/{applet}", "busybox") for applet in _APPLETS)
    yield from users()


def _python_sources() -> Mapping[str, bytes]:
    return {"packages": identity(tools.path("triton-python"))}


def _python_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    return layers.tree(_SITE, tools.path("triton-python"))


def _server_home() -> Path:
    return tools.path("tritonserver").parent.parent


def _server_sources() -> Mapping[str, bytes]:
    return {"server": identity(tools.path("tritonserver")), "entrypoint": _ENTRYPOINT_TEXT.encode()}


def _server_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from layers.tree(_HOME, _server_home(), lambda path: not path.name.startswith("."))
    yield layers.link(_SHIPPED_LIBRARIES, f"{_HOME}/lib")
    yield layers.text(_ENTRYPOINT, _ENTRYPOINT_TEXT, 0o755)


IMAGE = Image(
    "tritonserver",
    TRITON.version,
    tools=("tritonserver", "triton-python", "triton-root", "busybox-root"),
    layers=(
        Layer("tritonserver-base", _base_sources, _base_members),
        Layer("tritonserver-python", _python_sources, _python_members),
        Layer("tritonserver", _server_sources, _server_members),
    ),
    config=Config(
        entrypoint=(f"/{_ENTRYPOINT}",),
        user=f"{NONROOT}:{NONROOT}",
        folder=f"/{_HOME}",
        environment={
            "PATH": f"/{_HOME}/bin:/usr/local/bin:/usr/bin:/bin",
            "TRITON_SERVER_VERSION": TRITON.version,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    ),
    seconds=10,
)
