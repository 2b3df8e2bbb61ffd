"""The plan's types: what builders and components read. Values only; imports substrate's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from substrate.values import Bytes, Digest, Duration


@dataclass(frozen=True)
class NamespacePlan:
    """A team's namespace. Pod Security `restricted` is enforced at `pod_security_version`."""

    name: str
    team: str
    pod_security_version: str


@dataclass(frozen=True)
class TaintPlan:
    """A taint that the pool's nodes carry and its pods tolerate."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}"


@dataclass(frozen=True)
class PoolPlan:
    """Existing nodes of one accelerator. `gpu_resource` is None on a CPU pool."""

    name: str
    accelerator: str
    nodes: tuple[str, ...]
    gpu_resource: str | None
    gpus_per_node: int
    taint: TaintPlan | None
    runtime_class: str | None


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


@dataclass(frozen=True)
class ModelPlan:
    """One model as a server holds it. `context` counts the tokens of one request, `parallel` the requests at once."""

    name: str
    served_name: str
    weights: WeightsPlan
    context: int
    parallel: int


@dataclass(frozen=True)
class EnginePlan:
    """How the engine's container runs: everything that differs between engines."""

    name: str
    image: str
    port: int
    health_path: str
    metrics_path: str
    args: tuple[str, ...]
    environment: Mapping[str, str]
    pre_stop: Mapping[str, object]
    shared_memory: Bytes | None


@dataclass(frozen=True)
class ResourcesPlan:
    """What a replica asks for. Memory is request and limit alike; the CPU has no limit, so a burst is not throttled."""

    cpus: int
    memory: Bytes
    gpus: int
    gpu_resource: str | None


@dataclass(frozen=True)
class StartupPlan:
    """The cold start: `expected` = bytes / read speed + engine start; `budget` is what the startup probe allows."""

    read: Duration
    engine: Duration
    expected: Duration
    budget: Duration
    progress_deadline: Duration


@dataclass(frozen=True)
class RolloutPlan:
    """`max_surge` is 0 where the pool has no room for one replica more: a surge would wait for ever."""

    max_surge: int
    max_unavailable: int


@dataclass(frozen=True)
class ServerPlan:
    """One workload: where it runs, how many, how it starts and stops, and the models that it serves."""

    name: str
    namespace: str
    team: str
    tier: str
    foundation: str
    models: tuple[ModelPlan, ...]
    engine: EnginePlan
    pool: PoolPlan
    claim: str
    resources: ResourcesPlan
    min_replicas: int
    max_replicas: int
    startup: StartupPlan
    rollout: RolloutPlan
    grace: Duration
    url: str
    gateway_name: str
    gateway_namespace: str

    @property
    def model(self) -> ModelPlan:
        """The model whose Service and URL this server answers; a server of several answers each of them."""
        return self.models[0]


@dataclass(frozen=True)
class StackPlan:
    """A whole stack, ready to be built."""

    name: str
    context: str
    namespaces: tuple[NamespacePlan, ...]
    pools: tuple[PoolPlan, ...]
    claims: tuple[ClaimPlan, ...]
    servers: tuple[ServerPlan, ...]
