"""The catalogue's types: what a stack file may say, field by field. Imports pydantic, values, fields.

A model here is one block's shape; what blocks mean together (references, fit) is in `rules`.
Field names are snake_case in Python and camelCase in the file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from substrate.catalog import fields
from substrate.catalog.codes import Code
from substrate.catalog.fields import LABEL_LENGTH, LABEL_PATTERN, SIZE_PATTERN
from substrate.facts.accelerators import ACCELERATORS
from substrate.values import Bytes, Digest, Duration

_SIZE_SCHEMA = WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN})
Size = Annotated[Bytes, BeforeValidator(fields.size), _SIZE_SCHEMA]
Capacity = Annotated[Bytes, BeforeValidator(fields.size), AfterValidator(fields.positive_size), _SIZE_SCHEMA]
Span = Annotated[
    Duration,
    BeforeValidator(fields.parsed(Duration, Code.BAD_DURATION, "a duration", fields.duration_help)),
    WithJsonSchema({"type": "string"}),
]
Sha256 = Annotated[
    Digest, BeforeValidator(fields.sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]
DnsLabel = Annotated[
    str,
    AfterValidator(fields.dns_label),
    WithJsonSchema({"type": "string", "pattern": LABEL_PATTERN, "maxLength": LABEL_LENGTH}),
]
NodeName = Annotated[str, AfterValidator(fields.node_name)]
ServerUrl = Annotated[str, AfterValidator(fields.http_url)]
FilePath = Annotated[str, AfterValidator(fields.file_path)]
Image = Annotated[str, AfterValidator(fields.image)]
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


class AccessMode(StrEnum):
    ONCE = "ReadWriteOnce"
    MANY = "ReadWriteMany"


class TaintEffect(StrEnum):
    NO_SCHEDULE = "NoSchedule"
    NO_EXECUTE = "NoExecute"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"


TierField = Annotated[Tier, BeforeValidator(fields.choice(Tier))]
FoundationField = Annotated[Foundation, BeforeValidator(fields.choice(Foundation))]
EngineField = Annotated[EngineName, BeforeValidator(fields.choice(EngineName))]
AccessModeField = Annotated[AccessMode, BeforeValidator(fields.choice(AccessMode))]
TaintEffectField = Annotated[TaintEffect, BeforeValidator(fields.choice(TaintEffect))]
IMAGE_NAMES = (*EngineName, fields.STAGER)
ImageName = Annotated[
    str,
    AfterValidator(fields.image_name(tuple(str(name) for name in IMAGE_NAMES))),
    WithJsonSchema({"type": "string", "enum": [str(name) for name in IMAGE_NAMES]}),
]
AcceleratorName = Annotated[
    str, AfterValidator(fields.accelerator), WithJsonSchema({"type": "string", "enum": list(ACCELERATORS)})
]


class GatewayRef(Block):
    """The Gateway (Gateway API) that model routes attach to."""

    name: DnsLabel = "substrate"
    namespace: DnsLabel = "substrate-system"


class Cluster(Block):
    """Which cluster, and where clients reach it."""

    context: Annotated[str, AfterValidator(fields.context_name)] = Field(
        description="kubeconfig context; always explicit, never the current one", examples=["homelab"]
    )
    base_url: ServerUrl = Field(
        description="where clients reach the Gateway, without a path", examples=["http://127.0.0.1:8080"]
    )
    gateway: GatewayRef = GatewayRef()


class Taint(Block):
    """A taint on a pool's nodes, which its pods tolerate."""

    key: Annotated[str, AfterValidator(fields.taint_key)] = "nvidia.com/gpu"
    value: Annotated[str, AfterValidator(fields.taint_value)] = "present"
    effect: TaintEffectField = TaintEffect.NO_SCHEDULE


class Pool(Block):
    """Nodes of one kind. `accelerator` is a name of facts.accelerators, `cpu` for a pool without GPUs."""

    accelerator: AcceleratorName = Field(description="what its nodes compute on", examples=["l4"])
    nodes: list[NodeName] = Field(min_length=1, description="existing nodes, by name", examples=["[engine-01]"])
    gpus_per_node: NotNegative | None = Field(None, description="default 1; 0 for accelerator cpu")
    gpu_memory: Capacity | None = Field(None, description="what the driver reports, where it differs from the facts")
    node_cpus: Positive | None = Field(None, description="cores a node offers to models; a cpu pool needs it")
    node_memory: Capacity | None = Field(None, description="memory a node offers to models; a cpu pool needs it")
    taint: Taint | None = Field(None, description="verified on the nodes and tolerated; default for GPU pools")
    runtime_class: DnsLabel | None = Field(None, description="runtimeClassName of the pods, where the GPU needs one")


class Nfs(Block):
    """A folder that a server exports."""

    server: Annotated[str, AfterValidator(fields.host)] = Field(examples=["store-01"])
    path: Annotated[str, AfterValidator(fields.absolute_path)] = Field(examples=["/export/models"])


class Store(Block):
    """Where weights lie: exactly one of `nfs` and `storageClass`."""

    nfs: Nfs | None = None
    storage_class: DnsLabel | None = None
    size: Capacity = Field(description="how much it holds", examples=["200Gi"])
    read_mi_bps: Positive = Field(
        alias="readMiBps", description="MiB a second that one pod reads; the cold start rests on it", examples=["110"]
    )
    access_mode: AccessModeField | None = Field(
        None, description="default ReadWriteMany for nfs, ReadWriteOnce for a storage class"
    )


class Team(Block):
    """A tenant: one namespace."""

    namespace: DnsLabel | None = Field(None, description="default: the team's name")


class WeightsFile(Block):
    """One file of a set."""

    sha256: Sha256 = Field(description="as sha256sum prints it", examples=["<64 hex digits>"])
    size: Size = Field(
        description="for planning, so it may be rounded: 4.7Gi, or 98331360B; the sha256 decides", examples=["4.7Gi"]
    )


class Weights(Block):
    """What to stage: a source, the files it must hold, and the store that keeps them."""

    from_: Annotated[str, AfterValidator(fields.source)] = Field(
        alias="from",
        description="s3://bucket/prefix/, https://host/path/, file:///path/ or hf://org/repo",
        examples=["s3://bucket/prefix/"],
    )
    files: dict[FilePath, WeightsFile] = Field(
        min_length=1, description="each file of the set", examples=["{model.gguf: {sha256: ..., size: 4.7Gi}}"]
    )
    store: DnsLabel | None = Field(None, description="default: the stack's, or the only one")
    endpoint: ServerUrl | None = Field(None, description="of an S3 or Hugging Face compatible server")
    region: Annotated[str, AfterValidator(fields.region)] | None = Field(None, description="of an S3 bucket")
    revision: Annotated[str, AfterValidator(fields.revision)] | None = Field(
        None, description="the commit of an hf:// source; required there"
    )
    secret_ref: DnsLabel | None = Field(None, description="an existing Secret with AWS_* or HF_TOKEN keys")


class Architecture(Block):
    """What the KV cache's size follows from; all in the model's config.json."""

    parameters: Annotated[str, AfterValidator(fields.parameters)] = Field(description="as 7.6B", examples=["7.6B"])
    layers: Positive = Field(description="num_hidden_layers", examples=["28"])
    kv_heads: Positive = Field(description="num_key_value_heads", examples=["4"])
    head_dim: Positive = Field(description="head_dim, or hidden_size / num_attention_heads", examples=["128"])
    quantization: Annotated[str, AfterValidator(fields.quantization)] = Field(
        "none", description="as q4_k_m, awq, fp8; none for 16 bit"
    )


class Replicas(Block):
    """How many copies of a model run."""

    min: NotNegative = 1
    max: Positive | None = Field(None, description="default: min, at least 1")


class Model(Block):
    """One model. Enough to start: weights, pool, context."""

    weights: Weights = Field(description="what to stage", examples=["{from: ..., files: {...}}"])
    pool: DnsLabel = Field(description="where it runs: a name of substrate:pools", examples=["engine-01"])
    context: Positive = Field(description="tokens a request may hold, prompt and answer together", examples=["8192"])
    served_name: Annotated[str, AfterValidator(fields.served_name)] | None = Field(
        None, description="what /v1/models lists; default: the model's name"
    )
    team: DnsLabel | None = Field(None, description="default: the stack's, or the only one")
    tier: TierField | None = None
    foundation: FoundationField | None = None
    engine: EngineField | None = Field(
        None, description="default: llama.cpp for .gguf files and on a cpu pool, else vllm"
    )
    architecture: Architecture | None = Field(None, description="without it the KV cache's fit is not checked")
    parallel: Positive | None = Field(
        None, description="requests served at once by a replica; default 4 for llama.cpp, 16 for vllm"
    )
    gpus: Positive | None = Field(None, description="GPUs of one replica (tensor parallelism); default 1 on a GPU pool")
    cpus: Positive | None = Field(None, description="cores of one replica")
    replicas: Replicas | None = None


class Server(Block):
    """A server that holds several models; a model alone gets its server implied."""

    models: list[DnsLabel] = Field(min_length=1, description="the models it holds", examples=["[model-a, model-b]"])


class Defaults(Block):
    """What a stack sets once for all its models."""

    team: DnsLabel | None = None
    tier: TierField = Tier.STANDARD
    foundation: FoundationField = Foundation.PLAIN
    engine: EngineField | None = None
    store: DnsLabel | None = None
    parallel: Positive | None = None
    replicas: Replicas = Replicas()
    images: dict[ImageName, Image] = Field(
        default_factory=dict, description="image by engine name, and `stager`; tag or digest required"
    )


class Catalog(Block):
    """A whole stack file, read. Every name that a block refers to exists once `load` has returned it."""

    cluster: Cluster
    pools: dict[DnsLabel, Pool] = Field(min_length=1)
    stores: dict[DnsLabel, Store] = Field(min_length=1)
    teams: dict[DnsLabel, Team] = Field(min_length=1)
    models: dict[DnsLabel, Model] = Field(min_length=1)
    servers: dict[DnsLabel, Server] = Field(default_factory=dict)
    defaults: Defaults = Defaults()
