"""What an image is, as a value: layers that know what they depend on. Imports cluster.tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.images.layers import Member, folder, text
from cluster.images.oci import Config, file_digest
from cluster.tools import places
from cluster.tools.cache import fingerprint
from cluster.tools.process import Runner

REGISTRY = "substrate.local"
NONROOT = 65532  # the user of every pod of Substrate's; distroless' nonroot
_PASSWD = f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{NONROOT}:{NONROOT}:nonroot:/tmp:/sbin/nologin\n"
_GROUP = f"root:x:0:\nnonroot:x:{NONROOT}:\n"
_FORMAT = b"1"  # of the archives; another number rebuilds all of them


@dataclass(frozen=True)
class Layer:
    """One layer. `sources` is all that its content depends on; `members` makes it, with a scratch folder at hand."""

    name: str
    sources: Callable[[], Mapping[str, bytes]]
    members: Callable[[Path, Runner], Iterable[Member]]

    def file(self) -> Path:
        """Where the layer is kept, by what it is made of."""
        return places.images() / "layers" / f"{self.name}-{fingerprint(self.sources())[:8]}.tar"


@dataclass(frozen=True)
class Image:
    """One image. `tools` must be there before its file can be named; layers go from the slowest to the most changed."""

    name: str
    version: str
    tools: tuple[str, ...]
    layers: tuple[Layer, ...]
    config: Config
    seconds: float

    @property
    def reference(self) -> str:
        """The full name, `substrate.local/<name>:<version>`."""
        return f"{REGISTRY}/{self.name}:{self.version}"

    @property
    def title(self) -> str:
        return f"image {self.name} {self.version}"

    def file(self) -> Path:
        """Where the archive is kept. Needs the tools."""
        parts = {"format": _FORMAT, "config": json.dumps(asdict(self.config)).encode(), "name": self.reference.encode()}
        parts |= {f"layer {place}": layer.file().name.encode() for place, layer in enumerate(self.layers)}
        return places.images() / f"{self.name}-{self.version}-{fingerprint(parts)[:8]}.tar"


def identity(tool: Path) -> bytes:
    """What tells one build of a tool from another: its folder's name in the cache, else its content."""
    if tool.is_relative_to(places.tools()):
        return tool.relative_to(places.tools()).as_posix().encode()
    return file_digest(tool).encode()


def users() -> tuple[Member, ...]:
    """The accounts root and nonroot, and a /tmp that all may write to."""
    return (text("etc/passwd", _PASSWD), text("etc/group", _GROUP), folder("tmp", 0o1777), folder("root", 0o700))
