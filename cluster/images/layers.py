"""Layers of images: tars whose bytes depend on their contents alone. Imports the standard library only."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

Open = Callable[[], IO[bytes]]
Tick = Callable[[], None]


@dataclass(frozen=True)
class Member:
    """One entry of a layer. `name` is its path without the leading slash; `open` gives a file's content."""

    name: str
    kind: bytes
    mode: int
    size: int = 0
    target: str = ""
    open: Open | None = None

    def header(self) -> tarfile.TarInfo:
        """Owner root and time 0, whoever builds and whenever: the same content gives the same digest."""
        info = tarfile.TarInfo(self.name)
        info.type, info.mode, info.size, info.linkname = self.kind, self.mode, self.size, self.target
        return info


def file(name: str, source: Path, mode: int = 0o644) -> Member:
    """A file with the content of `source`, whose links are followed."""
    return Member(name, tarfile.REGTYPE, mode, source.stat().st_size, open=lambda: source.open("rb"))


def text(name: str, content: str, mode: int = 0o644) -> Member:
    """A small file written here."""
    data = content.encode()
    return Member(name, tarfile.REGTYPE, mode, len(data), open=lambda: io.BytesIO(data))


def folder(name: str, mode: int = 0o755) -> Member:
    return Member(name, tarfile.DIRTYPE, mode)


def link(name: str, target: str) -> Member:
    return Member(name, tarfile.SYMTYPE, 0o777, target=target)


def tree(prefix: str, root: Path, keep: Callable[[PurePosixPath], bool] = lambda _: True) -> Iterator[Member]:
    """All that `keep` accepts (a path below `root`) as `prefix/...`; a file is executable or not, no other mode."""
    for base, _, names in os.walk(root):
        for name in names:
            path = Path(base, name)
            below = PurePosixPath(path.relative_to(root))
            if keep(below):
                yield file(f"{prefix}/{below}", path, 0o755 if os.access(path, os.X_OK) else 0o644)


def unpacked(archive: Path, keep: Callable[[PurePosixPath], bool]) -> Iterator[Member]:
    """Files, folders and symbolic links of an uncompressed tar; a hard link becomes a file, a device is left out."""
    with tarfile.open(archive, "r:") as opened:
        for info in opened:
            name = info.name.removeprefix("./")
            if not keep(PurePosixPath(name)):
                continue
            if info.isdir():
                yield folder(name, info.mode)
            elif info.issym():
                yield link(name, info.linkname)
            elif info.isfile() or info.islnk():
                content = opened.getmember(info.linkname) if info.islnk() else info
                yield _slice(name, info.mode, archive, content)


def _slice(name: str, mode: int, archive: Path, content: tarfile.TarInfo) -> Member:
    """A file that is read from its place in the tar, so that nothing is unpacked or held in memory."""

    def opened() -> IO[bytes]:
        stream = archive.open("rb")
        stream.seek(content.offset_data)
        return stream

    return Member(name, tarfile.REGTYPE, mode, content.size, open=opened)


def write(members: Iterable[Member], target: Path, tick: Tick = lambda: None) -> None:
    """Write a layer: sorted, folders of all files included, the last of two members of one name."""
    named = {member.name: member for member in members}
    parents = {str(parent) for name in named for parent in PurePosixPath(name).parents} - {"."}
    whole = {**{name: folder(name) for name in parents}, **named}
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for _, member in sorted(whole.items()):
            _add(archive, member)
            tick()


def _add(archive: tarfile.TarFile, member: Member) -> None:
    if member.open is None:
        archive.addfile(member.header())
        return
    with member.open() as content:
        archive.addfile(member.header(), content)
