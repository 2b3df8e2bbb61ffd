"""Where tools, images and logs are kept on this machine, outside the clone. Imports the standard library only."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.tools.errors import ToolError

TOOLCHAIN = Path(__file__).resolve().parent.parent / "toolchain"


def cache() -> Path:
    """`$SUBSTRATE_CACHE`, else `substrate` in the user's cache folder. It need not exist yet."""
    named = os.environ.get("SUBSTRATE_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "substrate"


def tools() -> Path:
    """One folder a version of a tool."""
    return cache() / "tools"


def logs() -> Path:
    """One file a build, overwritten by the next of the same version."""
    return cache() / "logs"


def images() -> Path:
    """OCI archives."""
    return cache() / "images"


def made(folder: Path) -> Path:
    """`folder`, made if need be. Raises ToolError where that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(
            f"the cache folder {folder} cannot be made",
            why=error.strerror or str(error),
            remedy="set SUBSTRATE_CACHE to a folder that you may write to",
        ) from error
    return folder
