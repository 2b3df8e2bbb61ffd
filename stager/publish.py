"""Makes a finished set visible by one rename(2), and clears away what is abandoned; imports the standard library."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

from stager import lease
from stager.volume import Volume, files_in, remove, sync_folder, sync_folders

SECONDS_KEPT = 24 * 3600.0  # partial data of a set that nobody stages any more
TAKEN = {errno.ENOTEMPTY, errno.EEXIST}


def publish(finished: Path, target: Path, known: Iterable[str]) -> bool:
    """Rename a finished set to its digest. False when another stager was first; the target is then its work.

    All is on disk before: the files were fsynced when they were sealed, their folders are here, then the names on both
    sides of the rename. An empty folder in the target's place (a kubelet makes one for a subPath) is replaced.
    """
    names = set(known)
    for path in [path for path, _ in files_in(finished) if path not in names]:
        remove(finished / path)
    sync_folders(finished)
    try:
        finished.rename(target)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    sync_folder(target.parent)
    return True


def sweep(volume: Volume, mine: str) -> list[str]:
    """Remove staging folders without a heartbeat for a day, other than `mine`; their digests."""
    removed = []
    for folder in (volume.root / ".staging").iterdir():
        if folder.name != mine and folder.is_dir() and lease.idle_seconds(folder) > SECONDS_KEPT:
            held = lease.acquire(folder, volume.root)
            if isinstance(held, lease.Lease):
                remove(folder)
                held.release()
                removed.append(folder.name)
    return removed
