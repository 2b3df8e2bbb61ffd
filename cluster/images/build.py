"""Builds the images that are missing: layers, then archives, each published by a rename. Imports cluster.tools."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cluster import tools
from cluster.images import (
    bentoml,
    front_door,
    layers,
    llama,
    oci,
    pause,
    payload_logger,
    prometheus,
    stager,
    triton,
    vllm,
)
from cluster.images.image import Image, Layer
from cluster.tools import ToolError, cache, places, process
from cluster.tools.process import Runner
from cluster.tools.progress import Progress

CORE: Mapping[str, Image] = {one.IMAGE.name: one.IMAGE for one in (pause, llama, stager)}
# What the extras of the embedded cluster and the tests of the foundations run.
FOUNDATIONS: Mapping[str, Image] = {
    one.name: one
    for one in (
        triton.IMAGE,
        *bentoml.IMAGES,
        vllm.IMAGE,
        front_door.IMAGE,
        *payload_logger.IMAGES,
        *prometheus.IMAGES,
    )
}
IMAGES: Mapping[str, Image] = {**CORE, **FOUNDATIONS}
_LARGE = 1024**3  # bytes
_KEPT = 3  # archives of one image: this clone's, another's, and one to go back to


def image(name: str) -> Image:
    """The image of this name. Raises ToolError for a name that there is not."""
    if name not in IMAGES:
        raise ToolError(f"there is no image {name!r}", remedy=f"name one of: {', '.join(IMAGES)}")
    return IMAGES[name]


def ensure(names: Iterable[str] | None = None, progress: Progress | None = None) -> Mapping[str, Path]:
    """Build what is missing of the images (the core's, if none is named), their tools included; the archives by name.

    Raises ToolError; nothing half made is left. Safe to run from several clones at once.
    """
    shown = progress or Progress()
    wanted = [image(name) for name in (CORE if names is None else names)]
    with process.ends_on_sigterm():
        tools.ensure([tool for one in wanted for tool in one.tools], shown)
        for one in wanted:
            if not one.file().exists():
                with cache.lock(f"image-{one.name}", one.title, shown):
                    _build(one, shown)
    return {one.name: one.file() for one in wanted}


def _build(one: Image, progress: Progress) -> None:
    target = one.file()
    if target.exists():  # another clone built it while this one waited
        return
    log = places.made(places.logs()) / f"image-{one.name}-{one.version}.log"
    log.write_bytes(b"")
    with progress.step(one.title, f"assembling {one.reference}", expected=one.seconds, log=log) as step:
        runner = Runner(log, step)
        files = [_layer(layer, runner) for layer in one.layers]
        with _publishing(target) as (partial, _):
            oci.write(one.reference, files, one.config, partial, step.tick)
        for layer in files:
            if layer.stat().st_size > _LARGE:  # it is in the archive, and no other image has it
                layer.unlink()
    _prune(one, target)


def _layer(layer: Layer, runner: Runner) -> Path:
    target = layer.file()
    if not target.exists():
        with _publishing(target) as (partial, work):
            layers.write(layer.members(work, runner), partial, runner.step.tick)
    return target


@contextmanager
def _publishing(target: Path) -> Iterator[tuple[Path, Path]]:
    """A file that becomes `target` in one rename, and a scratch folder; neither is left behind."""
    places.made(target.parent)
    for stale in target.parent.glob(f".{target.name}.tmp-*"):  # of a build that was killed; the lock is held
        shutil.rmtree(stale, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.tmp-", dir=target.parent))
    try:
        yield temporary / "partial.tar", temporary
        cache.sync(temporary / "partial.tar")
        (temporary / "partial.tar").rename(target)
        cache.sync(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _prune(one: Image, newest: Path) -> None:
    """Drop all but the newest archives of an image: each change of the stager makes another."""
    found = sorted(places.images().glob(f"{one.name}-*.tar"), key=_modified, reverse=True)
    for old in found[_KEPT:]:
        if old != newest:
            old.unlink(missing_ok=True)


def _modified(file: Path) -> float:
    return file.stat().st_mtime
