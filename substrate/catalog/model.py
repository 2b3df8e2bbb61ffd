"""The catalogue's types: what a stack file may say, field by field. Imports pydantic and substrate's values only.

A model here is one block's shape; what blocks mean together (references, fit) is in `rules`.
Field names are snake_case in Python and camelCase in the file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from substrate.values import Bytes, Digest, Duration


def _parsed(kind: Any) -> BeforeValidator:
    """Text becomes the value; a value stays itself; anything else (a bare number) is refused with the way to write it."""

    def parse(raw: Any) -> Any:
        return raw if isinstance(raw, kind) and type(raw) is kind else kind.parse(raw if isinstance(raw, str) else str(raw))

    return BeforeValidator(parse)


Size = Annotated[Bytes, _parsed(Bytes)]
Span = Annotated[Duration, _parsed(Duration)]
Sha256 = Annotated[Digest, _parsed(Digest)]

# The longest suffix a name gets is "stage-" + 12 hex digits + 2 dashes: 63 - 20 leaves 43.
LABEL_LENGTH = 40
DnsLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=LABEL_LENGTH)]
Positive = Annotated[int, Field(strict=True, ge=1)]
NotNegative = Annotated[int, Field(strict=True, ge=0)]


class Block(BaseModel):
    """A mapping in the stack file: camelCase, no unknown key, immutable once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=True
    )


class Tier(StrEnum):
    HOT = "hot"
    STANDARD = "standard"
    LONG_TAIL = "longTail"


class Foundation(StrEnum):
    PLAIN = "plain"
    BENTOML = "bentoml"
    TRITON = "triton"
    KSERVE = "kserve"


class EngineName(StrEnum):
    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    TGI = "tgi"
    OLLAMA = "ollama"
    TRITON = "triton"
    BENTOML = "bentoml"


def _enum(kind: type[StrEnum]) -> BeforeValidator:
    def parse(raw: Any) -> Any:
        return kind(raw) if isinstance(raw, str) and raw in kind._value2member_map_ else raw

    return BeforeValidator(parse)


TierField = Annotated[Tier, _enum(Tier)]
FoundationField = Annotated[Foundation, _enum(Foundation)]
EngineField = Annotated[EngineName, _enum(EngineName)]


class GatewayRef(Block):
    """The Gateway (Gateway API) that model routes attach to."""

    name: DnsLabel = "substrate"
    namespace: DnsLabel = "substrate-system"


class Cluster(Block):
    """Which cluster, and where clients reach it."""

    context: str = Field(min_length=1, description="kubeconfig context; always explicit, never the current one")
    base_url: str = Field(pattern=r"^https?://[^/\s?#]+$", description="where clients reach the Gateway, without a path")
    gateway: GatewayRef = GatewayRef()


class Taint(Block):
    key: str = "nvidia.com/gpu"
    value: str = "present"
    effect: str = Field("NoSchedule", pattern="^(NoSchedule|NoExecute|PreferNoSchedule)$")


class Pool(Block):
    """Nodes of one kind. `accelerator` is a name of facts.accelerators, `cpu` for a pool without GPUs."""

    accelerator: str
    nodes: list[str] = Field(min_length=1, description="existing nodes, by name")
    gpus_per_node: NotNegative | None = Field(None, description="default 1; 0 for accelerator cpu")
    gpu_memory: Size | None = Field(None, description="what the driver reports, where it differs from the facts")
    node_cpus: Positive | None = Field(None, description="cores a node offers to models; a cpu pool needs it")
    node_memory: Size | None = Field(None, description="memory a node offers to models; a cpu pool needs it")
    taint: Taint | None = Field(None, description="verified on the nodes and tolerated; default for GPU pools")
    runtime_class: DnsLabel | None = Field(None, description="runtimeClassName of the pods, as the GPU runtime needs it")


class Nfs(Block):
    server: str = Field(min_length=1)
    path: str = Field(pattern="^/")


class AccessMode(StrEnum):
    ONCE = "ReadWriteOnce"
    MANY = "ReadWriteMany"


class Store(Block):
    """Where weights lie: exactly one of `nfs` and `storageClass`."""

    nfs: Nfs | None = None
    storage_class: DnsLabel | None = None
    size: Size
    read_mi_bps: Positive = Field(alias="readMiBps", description="MiB a second that one pod reads; the cold start rests on it")
    access_mode: Annotated[AccessMode, _enum(AccessMode)] | None = Field(
        None, description="default ReadWriteMany for nfs, ReadWriteOnce for a storage class"
    )


class Team(Block):
    """A tenant: one namespace."""

    namespace: DnsLabel | None = Field(None, description="default: the team's name")


class WeightsFile(Block):
    sha256: Sha256
    size: Size = Field(description="for planning, so it may be rounded: 4.7Gi, or 98331360B; the sha256 decides")


class Weights(Block):
    """What to stage: a source, the files it must hold, and the store that keeps them."""

    from_: str = Field(alias="from", description="s3://bucket/prefix/, https://host/path/, file:///path/ or hf://org/repo")
    files: dict[str, WeightsFile] = Field(min_length=1)
    store: DnsLabel | None = None
    endpoint: str | None = Field(None, pattern=r"^https?://[^\s]+$", description="of an S3 or Hugging Face compatible server")
    region: str | None = None
    revision: str | None = Field(None, pattern="^[0-9a-f]{40}$", description="the commit of an hf:// source; required there")
    secret_ref: DnsLabel | None = Field(None, description="an existing Secret with AWS_* or HF_TOKEN keys")


class Architecture(Block):
    """What the KV cache's size follows from; all in the model's config.json."""

    parameters: str = Field(pattern=r"^\d+(\.\d+)?[MBT]$", description="as 7.6B")
    layers: Positive
    kv_heads: Positive
    head_dim: Positive
    quantization: str = Field("none", description="as q4_k_m, awq, fp8; none for 16 bit")


class Replicas(Block):
    min: NotNegative = 1
    max: Positive | None = Field(None, description="default: min, at least 1")


class Model(Block):
    """One model. Enough to start: weights, pool, context."""

    weights: Weights
    pool: DnsLabel
    context: Positive = Field(description="tokens a request may hold, prompt and answer together")
    served_name: str | None = Field(None, min_length=1, description="what /v1/models lists; default: the model's name")
    team: DnsLabel | None = None
    tier: TierField | None = None
    foundation: FoundationField | None = None
    engine: EngineField | None = None
    architecture: Architecture | None = None
    parallel: Positive | None = Field(None, description="requests served at once by a replica")
    gpus: Positive | None = Field(None, description="GPUs of one replica (tensor parallelism); default 1 on a GPU pool")
    cpus: Positive | None = Field(None, description="cores of one replica")
    replicas: Replicas | None = None


class Server(Block):
    """A server that holds several models; a model alone gets its server implied."""

    models: list[DnsLabel] = Field(min_length=1)


class Defaults(Block):
    """What a stack sets once for all its models."""

    team: DnsLabel | None = None
    tier: TierField = Tier.STANDARD
    foundation: FoundationField = Foundation.PLAIN
    engine: EngineField | None = None
    store: DnsLabel | None = None
    parallel: Positive | None = None
    replicas: Replicas = Replicas()
    images: dict[str, str] = Field(default_factory=dict, description="image by engine name, and `stager`; tag or digest required")


class Catalog(Block):
    """A whole stack file, read. Every name that a block refers to exists once `load` has returned it."""

    cluster: Cluster
    pools: dict[DnsLabel, Pool] = Field(min_length=1)
    stores: dict[DnsLabel, Store] = Field(min_length=1)
    teams: dict[DnsLabel, Team] = Field(min_length=1)
    models: dict[DnsLabel, Model] = Field(min_length=1)
    servers: dict[DnsLabel, Server] = Field(default_factory=dict)
    defaults: Defaults = Defaults()
