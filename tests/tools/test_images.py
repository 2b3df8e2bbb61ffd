"""The images: archives that containerd takes, the same bytes from the same content, new ones from changed sources."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tomllib
from pathlib import Path

import pytest

from cluster import images
from cluster.images import build, layers, llama, oci, stager
from cluster.images.image import Image, Layer
from cluster.images.oci import Config
from cluster.tools import Progress, ToolError

CONFIG = Config(entrypoint=("/app/run",), user="65532:65532", environment={"B": "2", "A": "1"})
REFERENCE = "substrate.local/tiny:1"


def tiny(folder: Path, *, reverse: bool = False) -> Path:
    """An image of two layers, built in its own folder from files that are as new as now."""
    folder.mkdir()
    (folder / "run").write_bytes(b"#!/bin/sh\n")
    os.utime(folder / "run", (len(folder.name), len(folder.name)))
    members = [layers.file("app/run", folder / "run", 0o755), layers.text("etc/passwd", "root:x:0:0::/:\n")]
    layers.write(reversed(members) if reverse else members, folder / "one.tar")
    layers.write([layers.folder("tmp", 0o1777), layers.link("bin/sh", "busybox")], folder / "two.tar")
    oci.write(REFERENCE, [folder / "one.tar", folder / "two.tar"], CONFIG, folder / "image.tar")
    return folder / "image.tar"


def blob(archive: tarfile.TarFile, digest: str) -> bytes:
    stream = archive.extractfile(f"blobs/sha256/{digest.removeprefix('sha256:')}")
    assert stream
    return stream.read()


def test_the_same_content_gives_the_same_bytes_whoever_builds_and_when(tmp_path):
    first, second = tiny(tmp_path / "first"), tiny(tmp_path / "another", reverse=True)
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()


def test_every_digest_and_size_in_the_archive_is_true(tmp_path):
    with tarfile.open(tiny(tmp_path / "image")) as archive:
        assert json.load(archive.extractfile("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
        [entry] = json.load(archive.extractfile("index.json"))["manifests"]
        manifest = json.loads(blob(archive, entry["digest"]))
        described = [entry, manifest["config"], *manifest["layers"]]
        for one in described:
            data = blob(archive, one["digest"])
            assert one["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
            assert one["size"] == len(data)
        config = json.loads(blob(archive, manifest["config"]["digest"]))
        assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
        assert len(archive.getnames()) == len(described) + 2


def test_the_archive_carries_the_name_that_containerd_and_podman_read(tmp_path):
    with tarfile.open(tiny(tmp_path / "image")) as archive:
        [entry] = json.load(archive.extractfile("index.json"))["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == REFERENCE
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == REFERENCE


def test_the_digest_is_the_manifests(tmp_path):
    image = tiny(tmp_path / "image")
    with tarfile.open(image) as archive:
        assert blob(archive, oci.digest(image))


def test_the_image_runs_as_it_is_told(tmp_path):
    with tarfile.open(tiny(tmp_path / "image")) as archive:
        [entry] = json.load(archive.extractfile("index.json"))["manifests"]
        manifest = json.loads(blob(archive, entry["digest"]))
        config = json.loads(blob(archive, manifest["config"]["digest"]))["config"]
    assert config["Entrypoint"] == ["/app/run"]
    assert config["User"] == "65532:65532"
    assert config["Env"] == ["A=1", "B=2"]


def test_a_layer_has_every_folder_sorted_before_its_files_and_belongs_to_root(tmp_path):
    layers.write([layers.text("a/b/c", "x"), layers.text("a/a", "y")], tmp_path / "layer.tar")
    with tarfile.open(tmp_path / "layer.tar") as layer:
        assert layer.getnames() == ["a", "a/a", "a/b", "a/b/c"]
        assert {(info.uid, info.gid, info.mtime) for info in layer} == {(0, 0, 0)}


def test_a_tar_becomes_a_layer_without_devices_and_with_hard_links_as_files(tmp_path):
    source = tmp_path / "root.tar"
    with tarfile.open(source, "w") as archive:
        for name, kind, target in (
            ("./z", tarfile.REGTYPE, ""),
            ("./a", tarfile.LNKTYPE, "./z"),
            ("./l", tarfile.SYMTYPE, "z"),
            ("./null", tarfile.CHRTYPE, ""),
            ("./no", tarfile.REGTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            info.size = 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"data") if info.size else None)
    layers.write(layers.unpacked(source, lambda path: path.name != "no"), tmp_path / "layer.tar")
    with tarfile.open(tmp_path / "layer.tar") as layer:
        assert layer.getnames() == ["a", "l", "z"]
        assert layer.extractfile("a").read() == b"data"
        assert layer.getmember("l").linkname == "z"


def test_a_change_of_the_stager_makes_a_new_layer_and_bytecode_does_not(tmp_path, monkeypatch):
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(stager, "_PACKAGE", tmp_path)
    package = stager.IMAGE.layers[-1]
    before = package.file()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_bytes(b"1")
    (tmp_path / "Containerfile").write_text("FROM x")
    assert package.file() == before
    (tmp_path / "__init__.py").write_text("changed = True\n")
    assert package.file() != before


def image_of(content: dict[str, bytes]) -> Image:
    def members(_work, _runner):
        for name, data in content.items():
            yield layers.text(name, data.decode())
            if data == b"fail":
                raise ToolError("this layer fails")

    layer = Layer("tiny", lambda: content, members)
    return Image("tiny", "1", (), (layer,), CONFIG, seconds=1)


def test_an_image_is_built_once_and_again_when_its_content_changes(own_cache, monkeypatch):
    said = io.StringIO()
    first = image_of({"a": b"1"})
    monkeypatch.setattr(build, "IMAGES", {"tiny": first})
    archive = images.ensure(["tiny"], Progress(said))["tiny"]
    lines = said.getvalue()
    assert images.ensure(["tiny"], Progress(said))["tiny"] == archive
    assert said.getvalue() == lines
    digest = images.digest("tiny")
    monkeypatch.setattr(build, "IMAGES", {"tiny": image_of({"a": b"2"})})
    with pytest.raises(ToolError, match="not built yet"):
        images.archive("tiny")
    images.ensure(["tiny"], Progress(said))
    assert images.digest("tiny") != digest
    assert images.reference("tiny") == "substrate.local/tiny:1"


def test_a_build_that_fails_leaves_no_archive_and_no_layer(own_cache, monkeypatch):
    monkeypatch.setattr(build, "IMAGES", {"tiny": image_of({"a": b"fail"})})
    with pytest.raises(ToolError, match="this layer fails"):
        images.ensure(["tiny"], Progress(io.StringIO()))
    assert [path for path in (own_cache / "images").rglob("*") if path.is_file()] == []
    assert [path.name for path in (own_cache / "images").rglob(".*")] == []


def test_old_archives_do_not_pile_up(own_cache, monkeypatch):
    for change in range(6):
        monkeypatch.setattr(build, "IMAGES", {"tiny": image_of({"a": str(change).encode()})})
        newest = images.ensure(["tiny"], Progress(io.StringIO()))["tiny"]
    kept = list((own_cache / "images").glob("tiny-*.tar"))
    assert len(kept) == 3
    assert newest in kept


def test_no_image_is_called_latest_and_each_has_the_version_of_what_is_in_it():
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    assert {name: images.reference(name) for name in images.NAMES} == {
        "pause": "substrate.local/pause:3",
        "llama.cpp": "substrate.local/llama.cpp:0.3.36",
        "stager": f"substrate.local/stager:{version}",
        "bentoml": "substrate.local/bentoml:1.4.40",
        "bento-language": "substrate.local/bento-language:1.0.0",
        "tritonserver": "substrate.local/tritonserver:2.51.0",
        "envoy": "substrate.local/envoy:1.40.0",
        "payload-logger": "substrate.local/payload-logger:0.1.0",
        "kserve-agent": "substrate.local/kserve-agent:0.19.0",
        "vllm-cpu": "substrate.local/vllm-cpu:0.32.0",
        "prometheus": "substrate.local/prometheus:3.14.0",
        "prometheus-config-reloader": "substrate.local/prometheus-config-reloader:0.85.0",
    }
    for file in ("stager/Containerfile", "cluster/toolchain/payload-logger/Containerfile"):
        assert ":latest" not in Path(file).read_text()


def test_pods_images_run_as_a_number_that_is_not_root():
    for name in images.NAMES:
        user = build.image(name).config.user.split(":")[0]
        assert user.isdecimal()
        assert int(user) >= 10000


def test_a_server_with_libraries_that_are_not_here_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(llama.process, "answer", lambda *_: "\tlibcuda.so.1 => not found\n")
    with pytest.raises(ToolError, match="does not find all libraries"):
        llama.libraries(tmp_path / "llama-server")


def test_the_libraries_of_a_program_are_those_that_the_loader_finds():
    found = llama.libraries(Path("/bin/sh"))
    assert any(library.name.startswith("libc.") for library in found)
    assert any(library.name.startswith("ld-linux") for library in found)
    assert all(library.is_absolute() for library in found)
