"""Pulumi's protocol stubs without the SDK around them. Imports the standard library only."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_AROUND = ("pulumi", "pulumi.runtime")


def without_sdk() -> None:
    """Have `pulumi.runtime.proto` imported as if the packages around it were empty: they are half of a host's start.

    For a process that imports nothing else of Pulumi's, before it does. Where the SDK is not found nothing is done, so
    that the import says so.
    """
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        return
    site = Path(spec.origin).parent.parent
    for name in _AROUND:
        package = ModuleType(name)
        package.__path__ = [str(site.joinpath(*name.split(".")))]
        sys.modules[name] = package
