"""Sets of weights for tests: their bytes, their listing, and the stager run over them as a process or in this one."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stager import listing
from stager.retry import Patience
from stager.stage import Options
from stager.volume import Volume

ROOT = Path(__file__).parents[2]
ALLOCATED = 512  # bytes in a unit of st_blocks, stat(2)
BLOCK = 64 * 2**20  # bytes
HURRIED = Patience(tries=4, first=0.01, longest=0.02, connect=2.0, read=1.0)
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN")


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that differ everywhere, the same for the same seed."""
    rnd = random.Random(seed)
    return b"".join(rnd.randbytes(min(BLOCK, size - at)) for at in range(0, size, BLOCK))  # it refuses 256 MiB at once


def document(contents: Mapping[str, bytes], source: Mapping[str, Any]) -> dict[str, Any]:
    """The listing of these contents, its digest computed here by the words of docs/architecture.md."""
    shas = {path: hashlib.sha256(data).hexdigest() for path, data in contents.items()}
    pairs = [[path, shas[path]] for path in sorted(shas)]
    digest = hashlib.sha256(json.dumps(pairs, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
    files = [{"path": path, "size": len(data), "sha256": shas[path]} for path, data in contents.items()]
    return {"digest": digest, "source": dict(source), "files": files}


def listed(contents: Mapping[str, bytes], **source: Any) -> listing.Listing:
    """The same, parsed."""
    return listing.parse(json.dumps(document(contents, source)).encode())


def options(volume: Path, **others: Any) -> Options:
    """Options that do not wait long for a source that fails."""
    return Options(Volume(volume), **{"patience": HURRIED, "parallel": 4, **others})


def put(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Write contents below a folder."""
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def published(volume: Path, digest: str) -> dict[str, bytes]:
    """What a reader of the published set sees, the receipt aside."""
    root = volume / digest
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != listing.RECEIPT
    }


def on_disk(volume: Path) -> int:
    """Bytes that the volume holds of sets under construction; folders may be renamed while one looks."""
    total = 0
    for folder, _, names in os.walk(volume / ".staging"):
        for name in names:
            try:
                total += (Path(folder) / name).lstat().st_blocks * ALLOCATED
            except FileNotFoundError:
                continue
    return total


@dataclass(frozen=True)
class Ended:
    """How a stager process ended."""

    code: int
    lines: list[str]
    termination_log: str

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else ""


class Command:
    """`python -m stager` over one listing and one volume, as the Job runs it."""

    def __init__(self, folder: Path, given: Mapping[str, Any], volume: Path, **environment: str) -> None:
        self.volume = volume
        self._log = folder / "termination-log"
        self._listing = folder / "listing.json"
        self._listing.write_text(json.dumps(given))
        inherited = {key: value for key, value in os.environ.items() if key not in SECRETS}
        self._environment = {**inherited, "STAGER_TERMINATION_LOG": str(self._log), **environment}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        self._log.write_text("")
        command = [sys.executable, "-m", "stager", "--listing", str(self._listing), "--volume", str(self.volume)]
        return subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, process: subprocess.Popen[str], timeout: float = 240) -> Ended:
        output, _ = process.communicate(timeout=timeout)
        return Ended(process.returncode, output.splitlines(), self._log.read_text())

    def run(self, *arguments: str) -> Ended:
        return self.end(self.start(*arguments))
