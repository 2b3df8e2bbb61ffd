"""The images that the operator of Prometheus makes pods of: the server, and what reloads it. Imports cluster.tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import tools
from cluster.images import layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.scaling import PROMETHEUS, PROMETHEUS_OPERATOR
from cluster.tools.process import Runner


def _image(program: str, version: str) -> Image:
    """One static program, where the operator looks for it."""

    def sources() -> Mapping[str, bytes]:
        return {program: identity(tools.path(program))}

    def members(_work: Path, _runner: Runner) -> Iterator[Member]:
        yield layers.file(f"bin/{program}", tools.path(program), 0o755)
        yield from users()

    return Image(
        program,
        version,
        tools=(program,),
        layers=(Layer(program, sources, members),),
        config=Config(entrypoint=(f"/bin/{program}",), user=f"{NONROOT}:{NONROOT}"),
        seconds=2,
    )


IMAGES = (
    _image("prometheus", PROMETHEUS.version),
    _image("prometheus-config-reloader", PROMETHEUS_OPERATOR.version),
)
