"""The images of payload logging, one static program each: our sidecar, and KServe's agent. Imports cluster.tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import tools
from cluster.images import layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.foundations import KSERVE_AGENT, PAYLOAD_LOGGER
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

_USER = f"{NONROOT}:{NONROOT}"


def _program(tool: str, place: str) -> Layer:
    """A layer of one static program, accounts and /tmp."""

    def sources() -> Mapping[str, bytes]:
        return {"program": identity(tools.path(tool))}

    def members(_work: Path, _runner: Runner) -> Iterator[Member]:
        yield from users()
        yield layers.file(place, tools.path(tool), 0o755)

    return Layer(tool, sources, members)


def _image(name: str, recipe: Recipe, place: str) -> Image:
    program = _program(name, place)
    return Image(name, recipe.version, (name,), (program,), Config((f"/{place}",), _USER), seconds=1)


LOGGER = _image("payload-logger", PAYLOAD_LOGGER, "payload-logger")
AGENT = _image("kserve-agent", KSERVE_AGENT, "ko-app/agent")  # where the official image has it
IMAGES = (LOGGER, AGENT)
