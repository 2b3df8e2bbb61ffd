"""From a weights block to what is staged: digest, source, files. Pure; imports the catalogue's types and values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from substrate.catalog.model import Weights
from substrate.plan.types import FilePlan, SourcePlan
from substrate.values import Digest

# Where the stager sees the volume: a file:// source is a path on the store's own volume, as an NFS share's drop folder.
VOLUME_MOUNT = "/weights"


def listing_digest(files: Iterable[FilePlan]) -> Digest:
    """The content address of a set: sha256 of the canonical JSON of its `[path, sha256]` pairs, sorted by path."""
    pairs = sorted([file.path, file.sha256] for file in files)
    canonical = json.dumps(pairs, separators=(",", ":"), ensure_ascii=False)
    return Digest(hashlib.sha256(canonical.encode()).hexdigest())


def files_of(weights: Weights) -> tuple[FilePlan, ...]:
    """The files of a block, sorted by path so that the order in the stack file changes nothing."""
    return tuple(FilePlan(path, file.size, file.sha256) for path, file in sorted(weights.files.items()))


def source_of(weights: Weights) -> SourcePlan:
    """The source as the stager takes it; a `file://` path is moved under the mounted volume."""
    uri = weights.from_
    if uri.startswith("file://"):
        uri = f"file://{VOLUME_MOUNT}{uri.removeprefix('file://')}"
    return SourcePlan(uri, weights.endpoint, weights.region, weights.revision, weights.secret_ref)
