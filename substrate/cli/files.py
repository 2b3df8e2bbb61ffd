"""`substrate files`: a folder as a stack file lists it. Imports the catalogue's check of a path."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from substrate.catalog.addresses import file_path
from substrate.catalog.fields import FieldError


def run(folder: Path) -> int:
    """Print `path: {sha256: ..., size: ...}`, a line each, to be indented below `files:`.

    Returns 1, naming it, for what cannot be read, for an empty folder, and for a path that no stack file may hold.
    """
    try:
        lines = list(_lines(folder))
    except OSError as error:
        return _failed(f"{error.filename or folder}: {error.strerror or error}")
    except FieldError as error:
        return _failed(f"{error.message}; {error.help}")
    if not lines:
        return _failed(f"{folder} holds no file")
    print("\n".join(lines))
    return 0


def _lines(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        raise NotADirectoryError(0, "is no folder", str(folder))
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file_path(path.relative_to(folder).as_posix())
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield f"{_key(name)}: {{sha256: {digest}, size: {path.stat().st_size}B}}"


def _key(name: str) -> str:
    """A path as a key of YAML: quoted where it may be read as something else."""
    plain = name[0].isalpha() and all(letter.isalnum() or letter in "-_./" for letter in name) and "." in name
    return name if plain else json.dumps(name)


def _failed(said: str) -> int:
    print(f"error: {said}", file=sys.stderr)
    return 1
