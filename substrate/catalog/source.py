"""From a path to a text that can be parsed: everything that may be wrong with a file before YAML is looked at.

Imports the catalogue's diagnostics only.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from bisect import bisect_right
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import CatalogError, Diagnostic, Place
from substrate.values import Bytes

# 1,000 models take some 0.7 MiB; the limit keeps a wrong file (weights, say) from filling the memory.
LARGEST = Bytes(4 * 1024**2)

_LINE_END = re.compile(r"\r\n|\r|\n")
# What YAML forbids, and the three separators that YAML 1.1 takes for line ends and editors do not.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# Forbidden characters that are looked at: more is a binary file.
_ENOUGH = 1000
_WIDE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class Source:
    """A stack file's text. `name` is the path as the user wrote it."""

    name: str
    text: str
    lines: tuple[str, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, name: str, text: str) -> Self:
        """Split a text into lines as YAML does: at LF, CR and CR LF."""
        ends = list(_LINE_END.finditer(text))
        starts = (0, *(end.end() for end in ends))
        lines = tuple(text[start : end.start()] for start, end in zip(starts, ends, strict=False))
        return cls(name, text, (*lines, text[starts[-1] :]), starts)

    def place(self, line: int, column: int, width: int = 1) -> Place:
        """A spot, from zero-based line and column as YAML's marks count."""
        text = self.lines[line] if line < len(self.lines) else ""
        return Place(self.name, line + 1, column + 1, max(1, width), text)

    def at(self, index: int, width: int = 1) -> Place:
        """A spot, from an offset into the text."""
        line = bisect_right(self.starts, index) - 1
        return self.place(line, index - self.starts[line], width)


def read(path: Path) -> Source:
    """Read a stack file. Raises CatalogError where it is missing, no text, too large, or holds what YAML forbids."""
    raw = _bytes(path)
    text = _decoded(path, raw)
    source = Source.of(_name(path), text)
    _refuse_forbidden(source)
    if not text.strip():
        raise _failed(
            path, Code.FILE_EMPTY, "the stack file is empty", "start with `config:`; README.md has an example"
        )
    return source


def _name(path: Path) -> str:
    """The path as a reader knows it: from the current folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd())) if path.is_absolute() else str(path)
    except (ValueError, OSError):
        return str(path)


def _bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise _failed(path, Code.FILE_NOT_REGULAR, f"`{_name(path)}` is {kind}", "name the stack file itself")
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(raw) > LARGEST:
        size = Bytes(path.stat().st_size)
        raise _failed(
            path, Code.FILE_TOO_LARGE, f"`{_name(path)}` has {size}, a stack file at most {LARGEST}", "split the stack"
        )
    return raw


def _unreadable(path: Path, error: OSError | ValueError) -> CatalogError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _failed(path, Code.FILE_MISSING, f"there is no file `{_name(path)}`", _neighbours(path))
    if isinstance(error, OSError):
        reason = os.strerror(error.errno) if error.errno else str(error)
        advice = "make it readable for you: chmod u+r" if error.errno == errno.EACCES else None
        return _failed(path, Code.FILE_UNREADABLE, f"`{_name(path)}` cannot be read: {reason}", advice)
    return _failed(path, Code.FILE_MISSING, "a file's name cannot hold a NUL", None)


def _neighbours(path: Path) -> str:
    """The stacks that lie beside a missing one."""
    try:
        stacks = sorted(each.name for each in path.parent.glob("Pulumi.*.yaml"))
    except OSError:
        stacks = []
    return f"stacks here: {', '.join(stacks)}" if stacks else "make it with `pulumi stack init`, or name another folder"


def _decoded(path: Path, raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _failed(
            path, Code.BYTE_ORDER_MARK, f"`{_name(path)}` begins with a byte order mark", "save it as UTF-8 without BOM"
        )
    if wide := _WIDE_MARKS.get(raw[:2]):
        raise _failed(path, Code.NOT_UTF8, f"`{_name(path)}` is {wide}, not UTF-8", "save it as UTF-8 without BOM")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8")
        lines = _LINE_END.split(good)
        place = Place(_name(path), len(lines), len(lines[-1]) + 1, 1, lines[-1])
        wrong = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise CatalogError([Diagnostic(Code.NOT_UTF8, wrong, place, help="save the file as UTF-8")]) from None


def _refuse_forbidden(source: Source) -> None:
    """Every forbidden character, at most one a line."""
    found: dict[int, Diagnostic] = {}
    for match in islice(_FORBIDDEN.finditer(source.text), _ENOUGH):
        place = source.at(match.start())
        message = f"the character U+{ord(match[0]):04X} may not stand in a stack file"
        found.setdefault(place.line, Diagnostic(Code.CONTROL_CHARACTER, message, place, help="remove it"))
    if found:
        raise CatalogError(list(found.values()))


def _failed(path: Path, code: Code, message: str, advice: str | None) -> CatalogError:
    return CatalogError([Diagnostic(code, message, Place(_name(path), 0, 0, 1, ""), help=advice)])
