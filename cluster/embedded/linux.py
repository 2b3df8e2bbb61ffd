"""The two system calls that Python 3.11 lacks: unshare(2) and mount(2). Imports the standard library only."""

from __future__ import annotations

import ctypes
import os
from enum import IntFlag
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)


class Clone(IntFlag):
    """Namespaces to leave (linux/sched.h)."""

    NEWNS = 0x00020000
    NEWPID = 0x20000000
    NEWNET = 0x40000000


class Mount(IntFlag):
    """Flags of mount(2) (linux/mount.h)."""

    NOSUID = 0x2
    NODEV = 0x4
    BIND = 0x1000
    REC = 0x4000
    PRIVATE = 1 << 18
    SHARED = 1 << 20


def unshare(flags: Clone) -> None:
    """Leave namespaces. Raises OSError."""
    _check(_LIBC.unshare(ctypes.c_int(flags)), f"unshare {flags!r}")


def mount(source: str | Path, target: str | Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount `source` of file system `kind` on `target`. Raises OSError."""
    texts = [os.fsencode(str(part)) for part in (source, target, kind)]
    _check(_LIBC.mount(*texts, ctypes.c_ulong(flags), os.fsencode(data)), f"mount {kind or source} on {target}")


def unmount(target: str | Path) -> None:
    """Undo `mount`. Raises OSError."""
    _check(_LIBC.umount(os.fsencode(str(target))), f"umount {target}")


def _check(result: int, doing: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{doing}: {os.strerror(number)}")
