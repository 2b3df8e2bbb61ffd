"""Hashes a published set and says which files are not what was promised; imports the standard library."""

from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stager.listing import File, Listing
from stager.receipt import strangers


def problems(folder: Path, listing: Listing) -> list[str]:
    """Every file of the set that is missing, wrong or not in the listing; each file is read once, several at a time."""
    with ThreadPoolExecutor(os.cpu_count() or 1, "verify") as pool:
        found = list(pool.map(lambda file: _problem(folder, file), listing.files))
    stray = [f"{path}: not in the listing" for path in strangers(folder, listing)]
    return [problem for problem in found if problem] + stray


def _problem(folder: Path, file: File) -> str:
    path = folder / file.path
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return f"{file.path}: not a regular file"
        with path.open("rb") as stream:
            got = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"{file.path}: {error.strerror}"
    return "" if got == file.sha256 else f"{file.path}: expected sha256 {file.sha256}, got {got}"
