"""The weights volume: its layout, its space and what makes a write durable; imports only the standard library."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stager.errors import VolumeFailed

FILE_MODE = 0o444
# Writable by the owner: the explicit garbage collection runs as the same user 65532, and unlinking needs it. Pods are
# kept from writing by their read-only mount, not by this mode.
FOLDER_MODE = 0o755


@dataclass(frozen=True)
class Volume:
    """`<root>/<digest>` is complete and immutable; `<root>/.staging/<digest>` is private to the stager."""

    root: Path

    def published(self, digest: str) -> Path:
        return self.root / digest

    def staging(self, digest: str) -> Path:
        return self.root / ".staging" / digest

    def require(self) -> None:
        """Raises VolumeFailed unless the root is a folder."""
        if not self.root.is_dir():
            raise VolumeFailed(f"the volume {self.root} is not a folder here: is the claim mounted?")

    def free(self) -> int:
        """Bytes that this user may still write."""
        state = os.statvfs(self.root)
        return state.f_bavail * state.f_frsize


def make_folders(folder: Path, below: Path) -> None:
    """Make `folder` and its parents down from `below`, each with FOLDER_MODE whatever the umask."""
    for parent in [*reversed(folder.relative_to(below).parents), folder.relative_to(below)]:
        path = below / parent
        try:
            path.mkdir()
            path.chmod(FOLDER_MODE)
        except FileExistsError:
            pass


def files_in(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry below `root` that is not a folder: its path relative to root, and its own (not its target's) stat."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{prefix}{entry.name}/")
                else:
                    yield prefix + entry.name, entry.stat(follow_symlinks=False)


def sync_folder(folder: Path) -> None:
    """fsync a folder, so that the names in it survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(root: Path) -> None:
    """fsync every folder of a tree, the deepest first."""
    for folder, _, _ in os.walk(root, topdown=False):
        sync_folder(Path(folder))


def remove(path: Path) -> None:
    """Remove a file or tree if it is there; what another process removed meanwhile is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
