"""Files that are whole or not there. Imports the standard library only."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Put `text` at `path` in one rename; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
    draft.rename(path)


def give_to_caller(path: Path) -> None:
    """Under sudo, a file that the user must read becomes the user's."""
    if os.environ.get("SUDO_UID") and os.geteuid() == 0:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID", -1)))
