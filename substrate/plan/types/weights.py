"""Weights: where they come from, their files, the claims that they are staged on. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from substrate.plan.types.cluster import PoolPlan
from substrate.values import Bytes, Digest, Duration


@dataclass(frozen=True)
class SourcePlan:
    """Where a stager finds the files: see docs/architecture.md, "The stager's interface"."""

    uri: str
    endpoint: str | None
    region: str | None
    revision: str | None
    secret: str | None


@dataclass(frozen=True)
class FilePlan:
    """One file of a set; `size` may be rounded, `sha256` decides."""

    path: str
    size: Bytes
    sha256: Digest


@dataclass(frozen=True)
class WeightsPlan:
    """The files of one model on one claim, content-addressed by `digest`."""

    model: str
    digest: Digest
    source: SourcePlan
    files: tuple[FilePlan, ...]
    pool: PoolPlan
    stager_image: str
    timeout: Duration

    @property
    def bytes(self) -> Bytes:
        return Bytes(sum(file.size for file in self.files))


@dataclass(frozen=True)
class NfsPlan:
    """An exported folder."""

    server: str
    path: str


@dataclass(frozen=True)
class ClaimPlan:
    """One claim for each store and team, and what is staged on it. Exactly one of `nfs`, `storage_class` is set.

    `volume` names the PersistentVolume that is made for an NFS store; a storage class makes its own.
    """

    name: str
    namespace: str
    team: str
    store: str
    size: Bytes
    access_mode: str
    storage_class: str | None
    nfs: NfsPlan | None
    volume: str | None
    weights: tuple[WeightsPlan, ...]
