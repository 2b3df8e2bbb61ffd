"""BentoML's images, laid out as `bentoml containerize` does: one that runs a mounted bento, one that holds the example.

Imports cluster.tools. There is no engine to run `bentoml containerize` with here; its Dockerfile is in each bento,
`env/docker/Dockerfile`. What differs from it: the user is a number, and /app/.venv is Debian's Python with our lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import tools
from cluster.images import debian, layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.engines import BENTOML, EXAMPLE_BENTOS
from cluster.tools.process import Runner

_EXAMPLE = "language"
_VENV = "app/.venv"
_SITE = f"{_VENV}/lib/python3.11/site-packages"
_BENTO = "home/bentoml/bento"
_SCRIPTED = "bentoml/_internal/container/frontend/dockerfile/entrypoint.sh"  # BentoML's own, in every bento too
_ENTRYPOINT = "app/entrypoint.sh"
_IN_BENTO = "env/docker/entrypoint.sh"
_APPLETS = ("bin/sh", "bin/cat", "bin/ls", "bin/sleep", "bin/wget", "usr/bin/env")  # the entrypoint needs env
_CONFIGURATION = "home = /usr/bin\ninclude-system-site-packages = false\n"
_ACTIVATE = f'export VIRTUAL_ENV=/{_VENV}\nexport PATH="$VIRTUAL_ENV/bin:$PATH"\n'
_COMMAND = f"#!/{_VENV}/bin/python\nimport sys\n\nfrom bentoml_cli.cli import cli\n\nsys.exit(cli())\n"
# As in the Dockerfile that BentoML writes. BENTOML_CONTAINERIZED makes a server end whose workers have died, so that
# the kubelet sees it; without, it holds its port open and answers nothing.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONIOENCODING": "UTF-8",
    "PYTHONUNBUFFERED": "1",
    "VIRTUAL_ENV": f"/{_VENV}",
    "PATH": f"/{_VENV}/bin:/usr/local/bin:/usr/bin:/bin",
    "BENTO_PATH": f"/{_BENTO}",
    "BENTOML_HF_CACHE_DIR": f"/{_BENTO}/hf-models",
    "BENTOML_CONTAINERIZED": "true",
}


def _base_sources() -> Mapping[str, bytes]:
    roots = {name: identity(tools.path(name)) for name in ("bentoml-root", "busybox-root")}
    return roots | {"applets": " ".join(_APPLETS).encode()}


def _base_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from debian.root("bentoml-root")
    yield from debian.busybox()
    yield from (layers.link(applet, "/bin/busybox") for applet in _APPLETS)
    yield from users()


def _package_sources() -> Mapping[str, bytes]:
    scripts = {"configuration": _CONFIGURATION, "activate": _ACTIVATE, "command": _COMMAND}
    return {"packages": identity(tools.path("bentoml"))} | {name: text.encode() for name, text in scripts.items()}


def _package_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    """What `uv venv` and `uv pip install` leave in /app/.venv, and BentoML's own entrypoint."""
    site = tools.path("bentoml")
    yield from layers.tree(_SITE, site, lambda path: "tests" not in path.parts)
    yield layers.text(f"{_VENV}/pyvenv.cfg", _CONFIGURATION)
    yield layers.link(f"{_VENV}/bin/python", "/usr/bin/python3.11")
    yield layers.text(f"{_VENV}/bin/activate", _ACTIVATE)
    yield layers.text(f"{_VENV}/bin/bentoml", _COMMAND, 0o755)
    yield layers.file(_ENTRYPOINT, site / _SCRIPTED, 0o755)
    yield layers.folder(_BENTO)


def _bento_sources() -> Mapping[str, bytes]:
    return {"bentos": identity(tools.path("example-bentos")), "bento": _EXAMPLE.encode()}


def _bento_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    return layers.tree(_BENTO, tools.path("example-bentos") / _EXAMPLE)


def _config(entrypoint: str, home: str) -> Config:
    environment = {**_ENVIRONMENT, "BENTOML_HOME": home}
    return Config((f"/{entrypoint}",), f"{NONROOT}:{NONROOT}", f"/{_BENTO}", environment)


_BASE = (
    Layer("bentoml-base", _base_sources, _base_members),
    Layer("bentoml-packages", _package_sources, _package_members),
)
# For a bento on a volume, mounted at BENTO_PATH; arguments are those of `bentoml serve`.
RUNNER = Image(
    "bentoml",
    BENTOML.version,
    tools=("bentoml-root", "busybox-root", "bentoml"),
    layers=_BASE,
    config=_config(_ENTRYPOINT, "/tmp/bentoml"),
    seconds=3,
)
# With BENTOML_HOME where containerize puts it: a read-only root needs it set to a folder that can be written.
EXAMPLE = Image(
    f"bento-{_EXAMPLE}",
    EXAMPLE_BENTOS.version,
    tools=(*RUNNER.tools, "example-bentos"),
    layers=(*_BASE, Layer(f"bento-{_EXAMPLE}", _bento_sources, _bento_members)),
    config=_config(f"{_BENTO}/{_IN_BENTO}", "/home/bentoml/"),
    seconds=3,
)
IMAGES = (RUNNER, EXAMPLE)
