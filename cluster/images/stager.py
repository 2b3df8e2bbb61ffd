"""The image of the program that stages weights: Debian's Python, locked wheels, our package. Imports cluster.tools."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from cluster import tools
from cluster.images import debian, layers
from cluster.images.image import NONROOT, Image, Layer, identity, users
from cluster.images.layers import Member
from cluster.images.oci import Config
from cluster.tools import packages
from cluster.tools.process import Runner

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_PACKAGE = _REPOSITORY / "stager"
_REQUIREMENTS = _PACKAGE / "requirements.txt"
_SITE = "usr/local/lib/python3.11/dist-packages"  # on sys.path of Debian's python3.11, whatever the working folder
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_AUTHORITIES = PurePosixPath("usr/share/ca-certificates/mozilla")
_BUILD_FILES = re.compile(r"(^|/)__pycache__/|^requirements\.|^Containerfile$")  # of the folder, not of the program


def _base_sources() -> Mapping[str, bytes]:
    return {"root": identity(tools.path("stager-root")), "format": b"1"}


def _base_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    root = list(debian.root("stager-root"))
    yield from root
    yield from users()
    yield layers.link("usr/bin/python3", "python3.11")
    yield layers.text(_CERTIFICATES, _bundle(root))  # the package's script would write it, and scripts do not run here


def _bundle(root: list[Member]) -> str:
    """All certificate authorities in one file, as update-ca-certificates writes it."""
    found = sorted((member for member in root if PurePosixPath(member.name).parent == _AUTHORITIES), key=_name)
    return "".join(_read(member) for member in found if member.name.endswith(".crt"))


def _name(member: Member) -> str:
    return member.name


def _read(member: Member) -> str:
    assert member.open is not None
    with member.open() as stream:
        return stream.read(member.size).decode()


def _wheel_sources() -> Mapping[str, bytes]:
    return {"requirements": _REQUIREMENTS.read_bytes(), "arguments": " ".join(packages.wheels_for_debian()).encode()}


def _wheel_members(work: Path, runner: Runner) -> Iterator[Member]:
    target = work / "site"
    argv = [sys.executable, "-m", "pip", "install", "--require-hashes", f"--requirement={_REQUIREMENTS}"]
    argv += ["--no-compile", "--disable-pip-version-check", "--progress-bar=off", "--no-warn-script-location"]
    runner.run([*argv, f"--target={target}", *packages.wheels_for_debian()], cwd=work)
    return layers.tree(_SITE, target, lambda path: path.parts[0] != "bin")  # scripts that name the builder's Python


def _package_files() -> Mapping[str, bytes]:
    names = (path.relative_to(_PACKAGE).as_posix() for path in sorted(_PACKAGE.rglob("*")) if path.is_file())
    return {name: (_PACKAGE / name).read_bytes() for name in names if not _BUILD_FILES.search(name)}


def _package_members(_work: Path, _runner: Runner) -> Iterator[Member]:
    for name in _package_files():
        yield layers.file(f"{_SITE}/stager/{name}", _PACKAGE / name)


def _version() -> str:
    return str(tomllib.loads((_REPOSITORY / "pyproject.toml").read_text())["project"]["version"])


IMAGE = Image(
    "stager",
    _version(),
    tools=("stager-root",),
    layers=(
        Layer("stager-base", _base_sources, _base_members),
        Layer("stager-wheels", _wheel_sources, _wheel_members),
        Layer("stager-package", _package_files, _package_members),
    ),
    config=Config(
        entrypoint=("python3", "-m", "stager"),
        user=f"{NONROOT}:{NONROOT}",
        environment={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "SSL_CERT_FILE": f"/{_CERTIFICATES}",
        },
    ),
    seconds=8,
)
