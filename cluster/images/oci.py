"""OCI archives: one image a tar, as `ctr images import` and `podman load` take it. Imports the standard library only.

Source: OCI Image Layout 1.0.0 and Image Manifest 1.0.0; the name's annotation is containerd's.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CHUNK = 1024**2  # bytes
_MEDIA = "application/vnd.oci.image"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # by uname's name: Go's name
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Config:
    """How the image runs."""

    entrypoint: tuple[str, ...]
    user: str
    folder: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)

    def as_json(self, layers: Sequence[str]) -> dict[str, Any]:
        """The image configuration over layers with these digests; uncompressed, so that they are the diff ids too."""
        return {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": _EPOCH,
            "config": {
                "User": self.user,
                "WorkingDir": self.folder,
                "Entrypoint": list(self.entrypoint),
                "Env": [f"{name}={value}" for name, value in sorted(self.environment.items())],
            },
            "rootfs": {"type": "layers", "diff_ids": list(layers)},
            "history": [{"created": _EPOCH, "created_by": "substrate"} for _ in layers],
        }


def write(
    reference: str, layers: Sequence[Path], config: Config, target: Path, tick: Callable[[], None] = lambda: None
) -> None:
    """Write the archive of an image of these layers (uncompressed tars) under its full name."""
    blobs = [_descriptor(f"{_MEDIA}.layer.v1.tar", path) for path in layers]
    config_blob = _json(config.as_json([blob["digest"] for blob in blobs]))
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}.manifest.v1+json",
            "config": _described(f"{_MEDIA}.config.v1+json", config_blob),
            "layers": blobs,
        }
    )
    entry = _described(f"{_MEDIA}.manifest.v1+json", manifest) | {
        "annotations": {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference},
    }
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        # The index first: `digest` reads it without passing over the layers.
        _add(archive, "index.json", _json({"schemaVersion": 2, "manifests": [entry]}))
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        for small in (config_blob, manifest):
            _add(archive, _blob_name(_sha256(small)), small)
        for name, path in {blob["digest"]: path for blob, path in zip(blobs, layers, strict=True)}.items():
            _add_file(archive, _blob_name(name), path)
            tick()


def digest(archive: Path) -> str:
    """The manifest's digest (`sha256:...`): containerd shows it as the image's."""
    with tarfile.open(archive) as opened:
        index = opened.extractfile("index.json")
        assert index is not None
        return str(json.load(index)["manifests"][0]["digest"])


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _described(media: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media, "digest": _sha256(data), "size": len(data)}


def _descriptor(media: str, path: Path) -> dict[str, Any]:
    return {"mediaType": media, "digest": f"sha256:{file_digest(path)}", "size": path.stat().st_size}


def file_digest(path: Path) -> str:
    """sha256 (hex) of a file, read in pieces."""
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def _blob_name(name: str) -> str:
    return f"blobs/sha256/{name.removeprefix('sha256:')}"


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> None:
    info = tarfile.TarInfo(name)
    info.size = path.stat().st_size
    with path.open("rb") as stream:
        archive.addfile(info, stream)
