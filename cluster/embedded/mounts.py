"""What the cluster's processes see of the file system: private mounts over /run, /tmp and parts of /var.

They find short fixed paths and leave nothing behind: the kernel drops the mounts with the mount namespace. Imports the
standard library only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from cluster.embedded.layout import Inside
from cluster.embedded.linux import Mount, mount, unmount

_COVERED = (Path("/run"), Path("/tmp"), Path("/var/lib"), Path("/var/log"), Path("/var/tmp"))
_KERNEL = Path("/proc/sys")
# What the kubelet would write into the host's kernel (setupKernelTunables in pkg/kubelet/cm): it finds it done instead.
_TUNABLES = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}


def arrange(state: Path, needed: Iterable[Path]) -> None:
    """Arrange the mounts of this process's new mount namespace; `needed` are paths that must stay visible.

    Raises OSError.
    """
    mount("none", "/", flags=Mount.REC | Mount.PRIVATE)  # from here on the host sees nothing of ours
    held = os.open(state, os.O_PATH)
    for folder in _COVERED:
        _cover(folder, needed)
    mount("proc", "/proc", "proc")  # of the new pid namespace
    Inside.STATE.mkdir(parents=True, exist_ok=True)
    mount(f"/proc/self/fd/{held}", Inside.STATE, flags=Mount.BIND)
    os.close(held)
    _shield_kernel()
    # Pods may ask for volumes that pass mounts on. The peers of this sharing are only in this namespace and theirs.
    mount("none", "/", flags=Mount.REC | Mount.SHARED)
    for folder in (Inside.CONFIG, Inside.VOLUMES, Inside.OBJECTS, Inside.TEMPORARY):
        folder.mkdir(parents=True, exist_ok=True)


def interpreter_paths() -> list[Path]:
    """Folders that a Python process of ours reads from."""
    return [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent]


def resolve_by(file: Path) -> None:
    """Let the programs of this mount namespace resolve names by `file`, as pods do by their own. Raises OSError."""
    place = Path("/etc/resolv.conf").resolve()
    if any(place.is_relative_to(folder) for folder in _COVERED):  # a link to what this namespace no longer sees
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    mount(file, place, flags=Mount.BIND)


def overlay_works(folder: Path) -> bool:
    """Whether an overlay can be mounted whose parts lie in `folder`; on some file systems it cannot."""
    parts = {name: folder / f"overlay-{name}" for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
    try:
        mount("overlay", parts["merged"], "overlay", data=options)
        unmount(parts["merged"])
    except OSError:
        return False
    return True


def _cover(folder: Path, needed: Iterable[Path]) -> None:
    """Mount a memory file system over `folder`, and bind what is needed of it back in."""
    kept = {path: os.open(path, os.O_PATH) for path in needed if path.is_relative_to(folder) and path.exists()}
    mount("substrate", folder, "tmpfs", Mount.NOSUID | Mount.NODEV, "mode=0755")
    for path, held in sorted(kept.items()):
        _bind_back(path, held)


def _bind_back(path: Path, held: int) -> None:
    try:
        if path.exists():
            return  # below another that is back already
        if os.path.isdir(f"/proc/self/fd/{held}"):  # noqa: PTH112 - the link must be followed by the kernel
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        mount(f"/proc/self/fd/{held}", path, flags=Mount.BIND | Mount.REC)
    finally:
        os.close(held)


def _shield_kernel() -> None:
    shield = Inside.RUN / "kernel"
    shield.mkdir(parents=True, exist_ok=True)
    for name, value in _TUNABLES.items():
        if (_KERNEL / name).exists():
            stand_in = shield / name.replace("/", ".")
            stand_in.write_text(f"{value}\n")
            mount(stand_in, _KERNEL / name, flags=Mount.BIND)
