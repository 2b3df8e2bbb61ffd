"""What a recipe is: a value that names a folder of the cache and can fill it. Imports the standard library only."""

from __future__ import annotations

import platform
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.tools import process
from cluster.tools.cache import Key, Workspace, fingerprint
from cluster.tools.places import TOOLCHAIN
from cluster.tools.process import Runner


@dataclass(frozen=True)
class Recipe(ABC):
    """What makes one folder of the cache.

    `seconds` is what the build took on two cores with cold caches; `disk` the bytes it needs while it runs, Go's own
    caches apart; `go_disk` the bytes it adds to those.
    """

    name: str
    outputs: tuple[str, ...]
    seconds: float = field(compare=False)
    disk: int = field(compare=False)
    go_disk: int = field(default=0, compare=False)

    @property
    @abstractmethod
    def version(self) -> str:
        """The version of what is made."""

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    @abstractmethod
    def doing(self) -> str:
        """What the build does, for people."""

    @abstractmethod
    def parts(self) -> Mapping[str, bytes]:
        """All that the result depends on, but for the compiler."""

    @property
    def asks(self) -> tuple[str, ...]:
        """The command, run in `home`, by which the compiler tells its version; () where none is used."""
        return ()

    @property
    def home(self) -> Path:
        """The folder of the pinned sources."""
        return TOOLCHAIN

    def compiler(self) -> str | None:
        """The compiler's version, "" where none is used, None where it is missing or cannot build this."""
        return process.answer(self.asks, cwd=self.home) if self.asks else ""

    def requires(self) -> tuple[str, ...]:
        """Names of the tools that must be there before the build."""
        return ()

    @abstractmethod
    def build(self, space: Workspace, runner: Runner) -> None:
        """Fill `space.out` with `outputs`. Raises ToolError."""

    def sources(self) -> str:
        """The fingerprint of `parts` on this kind of machine."""
        return fingerprint({"machine": platform.machine().encode(), **self.parts()})

    def key(self) -> Key:
        """The folder in the cache, for the compiler that is installed now."""
        whole = fingerprint({"sources": self.sources().encode(), "compiler": (self.compiler() or "").encode()})
        return Key(self.name, self.version, whole)
