"""A reader beside a stager: whatever it can see under the digest must be the whole, right set."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stager.listing import RECEIPT


class Reader:
    """Looks at `<volume>/<digest>` all the time, in a thread, and remembers everything wrong that it saw."""

    def __init__(self, volume: Path, listing: Mapping[str, Any]) -> None:
        self._folder = volume / listing["digest"]
        self._wanted = {file["path"]: file for file in listing["files"]}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.wrong: list[str] = []
        self.looks = 0
        self.hashed = False

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.look()

    def _watch(self) -> None:
        while not self._over.is_set():
            self.look()
            time.sleep(0.002)

    def look(self) -> None:
        """One look: nothing there, or every file, by name and size; the first time by sha256 too."""
        self.looks += 1
        if not self._folder.exists():
            return
        there = {str(path.relative_to(self._folder)): path for path in self._folder.rglob("*") if path.is_file()}
        if there.keys() != self._wanted.keys() | {RECEIPT}:
            self.wrong.append(f"saw {len(there)} files of {len(self._wanted) + 1}")
            return
        for name, file in self._wanted.items():
            if there[name].stat().st_size != file["size"]:
                self.wrong.append(f"{name}: {there[name].stat().st_size} bytes")
            elif not self.hashed and hashlib.sha256(there[name].read_bytes()).hexdigest() != file["sha256"]:
                self.wrong.append(f"{name}: wrong bytes")
        self.hashed = True
