"""The image of llama.cpp's server: the binary, the C library it was linked to, a shell. Imports cluster.tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from cluster import tools
from cluster.images import debian, layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config, file_digest
from cluster.tools import process
from cluster.tools.catalogue.engines import LLAMA_SERVER
from cluster.tools.errors import ToolError
from cluster.tools.process import Runner

_APPLETS = ("sh", "sleep", "wget", "cat")  # what a drain hook calls, and what a person looks with
_LOADED = re.compile(r"(/\S+) \(0x")  # `libm.so.6 => /lib/.../libm.so.6 (0x...)`, or the loader's own path


def libraries(binary: Path) -> tuple[Path, ...]:
    """The shared libraries and the loader that the binary needs, under the names it looks for. Raises ToolError."""
    answer = process.answer(["ldd", str(binary)])
    if answer is None or "not found" in answer:
        raise ToolError(
            f"ldd does not find all libraries of {binary}",
            why=answer or "ldd failed, or is missing",
            remedy=f"unset {tools.setting('llama-server')} to use the one built here",
        )
    return tuple(Path(found) for found in _LOADED.findall(answer))


def _library_sources() -> Mapping[str, bytes]:
    found = libraries(tools.path("llama-server"))
    contents = {str(library): file_digest(library).encode() for library in found}
    return contents | {"busybox": identity(tools.path("busybox-root")), "applets": " ".join(_APPLETS).encode()}


def _library_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from users()
    yield from debian.busybox()
    yield from (layers.link(f"bin/{applet}", "busybox") for applet in _APPLETS)
    for library in libraries(tools.path("llama-server")):
        yield layers.file(str(PurePosixPath(library).relative_to("/")), library, 0o755)


def _server_sources() -> Mapping[str, bytes]:
    return {"llama-server": identity(tools.path("llama-server"))}


def _server_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    server = tools.path("llama-server")
    yield layers.file("app/llama-server", server, 0o755)
    licence = server.with_name("LICENSE")
    if licence.exists():
        yield layers.file("app/LICENSE", licence)


IMAGE = Image(
    "llama.cpp",
    LLAMA_SERVER.version,
    tools=("llama-server", "busybox-root"),
    layers=(
        Layer("llama.cpp-libraries", _library_sources, _library_members),
        Layer("llama.cpp-server", _server_sources, _server_members),
    ),
    config=Config(
        entrypoint=("/app/llama-server",),
        user=f"{NONROOT}:{NONROOT}",
        folder="/app",
        environment={"PATH": "/app:/bin", "LLAMA_ARG_HOST": "0.0.0.0"},
    ),
    seconds=2,
)
