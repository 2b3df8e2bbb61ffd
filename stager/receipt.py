"""The receipt beside the files: what was verified, when, from where; imports only the standard library and listing.

It makes a later run cheap: a set whose files still have the sizes and times of the receipt is complete, without hashing
a byte and without asking the source. Times are whole seconds, since file systems differ in what they keep below that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stager import VERSION
from stager.listing import RECEIPT, Listing
from stager.volume import FILE_MODE, files_in


def build(listing: Listing, folder: Path, uris: Mapping[str, str]) -> dict[str, Any]:
    """The receipt of a finished set in `folder`: exact sizes in bytes, times in seconds since 1970, `uris` by path."""
    states = dict(files_in(folder))
    return {
        "receipt": 1,
        "digest": listing.digest,
        "source": listing.source.uri,
        "verified": datetime.now(UTC).isoformat(timespec="seconds"),
        "stager": VERSION,
        "files": [
            {
                "path": file.path,
                "size": states[file.path].st_size,
                "mtime": int(states[file.path].st_mtime),
                "sha256": file.sha256,
                "source": uris[file.path],
            }
            for file in listing.files
        ],
    }


def write(folder: Path, receipt: Mapping[str, Any]) -> None:
    """Put the receipt into a set, whole and durable: a new file, fsynced, renamed into its place."""
    fresh = folder / f"{RECEIPT}.new"
    with fresh.open("w", encoding="utf-8") as stream:
        json.dump(receipt, stream, indent=1, ensure_ascii=False)
        stream.flush()
        os.fchmod(stream.fileno(), FILE_MODE)
        os.fsync(stream.fileno())
    fresh.rename(folder / RECEIPT)


def doubts(folder: Path, listing: Listing) -> list[str]:
    """Why a published set cannot be taken as it stands; empty when receipt, names, sizes and times all agree."""
    try:
        receipt = json.loads((folder / RECEIPT).read_bytes())
        promised = {item["path"]: item["sha256"] for item in receipt["files"]}
        states = {item["path"]: (item["size"], item["mtime"]) for item in receipt["files"]}
        digest = receipt["digest"]
    except FileNotFoundError:
        return [f"{RECEIPT} is missing"]
    except (ValueError, TypeError, KeyError):
        return [f"{RECEIPT} cannot be read"]
    if digest != listing.digest or promised != {file.path: file.sha256 for file in listing.files}:
        return [f"{RECEIPT} is of another set"]
    return _differences(folder, states)


def strangers(folder: Path, listing: Listing) -> list[str]:
    """Files in a set that the listing does not name: nothing vouches for them."""
    known = {file.path for file in listing.files} | {RECEIPT}
    return sorted(path for path, _ in files_in(folder) if path not in known)


def _differences(folder: Path, wanted: Mapping[str, tuple[int, int]]) -> list[str]:
    there = {path: (state.st_size, int(state.st_mtime)) for path, state in files_in(folder) if path != RECEIPT}
    missing = [f"{path} is missing" for path in sorted(wanted.keys() - there.keys())]
    added = [f"{path} is not in the listing" for path in sorted(there.keys() - wanted.keys())]
    changed = [
        f"{path} has another size or time than when it was verified"
        for path in sorted(wanted.keys() & there.keys())
        if wanted[path] != there[path]
    ]
    return missing + added + changed
