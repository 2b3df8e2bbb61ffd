"""Ways to serve that have ended, why, and what takes their place. Imports the standard library only.

Read on 2026-11-23 (reference/platforms.md 0.1, 2.9 and 4.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ended:
    """`why` is a whole sentence without its full stop; `instead` is what to write."""

    why: str
    instead: str


YATAI = Ended(
    "Yatai has had no release since 2024-05, serves no bento of BentoML 1.2 or newer, and its autoscaler's API was "
    "removed from Kubernetes in 1.26",
    "write `foundation: bentoml`, which serves the same bento from a Deployment",
)
MODELMESH = Ended(
    "ModelMesh was archived in 2026-04, and KServe's controller passes over its services without a word",
    "write `foundation: triton` for several models in one server, or `foundation: kserve` with `mode: Standard`",
)
MODELMESH_MODE = Ended(
    MODELMESH.why, "write `mode: Standard`; several models in one server are what `foundation: triton` has"
)
ENDED_FOUNDATIONS: Mapping[str, Ended] = {"yatai": YATAI, "modelmesh": MODELMESH}
ENDED_MODES: Mapping[str, Ended] = {"modelmesh": MODELMESH_MODE}
