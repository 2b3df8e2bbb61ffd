"""Opens the source that a listing names; imports its kind only then, since httpx and obstore cost start-up."""

from __future__ import annotations

from stager.listing import Source as Where
from stager.retry import Patience
from stager.sources.base import Source


def connect(where: Where, patience: Patience, piece: int) -> Source:
    """The source that a listing names; nothing is asked of it yet. `piece` is the bytes a read hands over at once.

    Raises SourceRefused when it cannot be had at all: no credentials, no such folder.
    """
    if where.scheme == "s3":
        from stager.sources.s3 import S3Source

        return S3Source(where, patience, piece)
    if where.scheme == "hf":
        from stager.sources.huggingface import HubSource

        return HubSource(where, patience, piece)
    if where.scheme == "file":
        from stager.sources.file import FileSource

        return FileSource(where, piece)
    from stager.sources.http import HttpSource

    return HttpSource(where, patience, piece)
