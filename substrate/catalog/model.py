"""The catalogue's blocks: what a stack file may say, field by field. Imports pydantic, fields and the types.

A model here is one block's shape; what blocks mean together (references, fit) is in `rules`.
Field names are snake_case in Python and camelCase in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field

from substrate.catalog import addresses, fields
from substrate.catalog.bento import Bento
from substrate.catalog.front_door import FrontDoor
from substrate.catalog.kserve import KServeCluster, KServeResource, KServeResourceField, Part
from substrate.catalog.logging import Logging
from substrate.catalog.monitoring import Monitoring
from substrate.catalog.nim import Nim
from substrate.catalog.scaling import Autoscaling, Scaling
from substrate.catalog.triton import Triton
from substrate.catalog.types import (
    AcceleratorName,
    AccessModeField,
    Block,
    Capacity,
    CoresField,
    DeploymentMode,
    DeploymentModeField,
    DnsLabel,
    Downtime,
    DowntimeField,
    EngineField,
    FilePath,
    Foundation,
    FoundationField,
    Image,
    ImageName,
    NetworkPolicies,
    NetworkPoliciesField,
    NodeName,
    NotNegative,
    Percent,
    PermissionField,
    Positive,
    ServerUrl,
    Sha256,
    Size,
    TaintEffect,
    TaintEffectField,
    Tier,
    TierField,
)


class GatewayRef(Block):
    """The Gateway (Gateway API) that model routes attach to."""

    name: DnsLabel = "substrate"
    namespace: DnsLabel = "substrate-system"
    pods_namespace: DnsLabel | None = Field(
        None, description="where its pods run, which the teams' NetworkPolicies let in; default: its own namespace"
    )
    authenticated_by: Annotated[str, AfterValidator(fields.authenticator)] | None = Field(
        None,
        description="who asks clients for a key before they reach a model, or `nobody`; needed where baseUrl is not of "
        "this machine alone",
        examples=["Envoy Gateway, by JWTs of login.example"],
    )


class KnativeGateway(Block):
    """The Service that Knative's network layer answers cluster-local hosts on."""

    service: DnsLabel = Field(examples=["kourier-internal"])
    namespace: DnsLabel = Field(examples=["kourier-system"])
    port: Positive = 80


class Cluster(Block):
    """Which cluster, and where clients reach it."""

    context: Annotated[str, AfterValidator(fields.context_name)] = Field(
        description="kubeconfig context; always explicit, never the current one", examples=["homelab"]
    )
    base_url: ServerUrl = Field(
        description="where clients reach the Gateway, without a path", examples=["http://127.0.0.1:8080"]
    )
    gateway: GatewayRef = GatewayRef()
    knative_gateway: KnativeGateway | None = Field(
        None, description="where models in KServe's Knative mode are reached; needed for them"
    )
    kserve: KServeCluster = KServeCluster()
    network_policies: NetworkPoliciesField = Field(
        NetworkPolicies.DEFAULT_DENY,
        description="defaultDeny: a team's namespace admits what its models need and nothing else; none: no policies",
    )


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
    path: Annotated[str, AfterValidator(addresses.absolute_path)] = Field(examples=["/export/models"])


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

    from_: Annotated[str, AfterValidator(addresses.source)] = Field(
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


class KServe(Block):
    """How a model runs on the foundation kserve."""

    mode: DeploymentModeField = Field(
        DeploymentMode.STANDARD, description="Standard: a Deployment; Knative: revisions, canaries, zero"
    )
    canary_traffic_percent: Percent | None = Field(
        None, description="share of the requests that the newest revision gets; Knative only"
    )
    resource: KServeResourceField = Field(
        KServeResource.INFERENCE_SERVICE,
        description="LLMInferenceService: the newer kind, for vLLM in Standard mode",
    )
    transformer: Part | None = Field(None, description="changes requests and answers; the model's URL then leads to it")
    explainer: Part | None = Field(None, description="answers <url>/v1/models/<served name>:explain")

    @property
    def parts(self) -> dict[str, Part]:
        """What stands beside the model, by KServe's name for it."""
        found = {"transformer": self.transformer, "explainer": self.explainer}
        return {name: part for name, part in found.items() if part is not None}


class Adapter(Block):
    """A LoRA adapter: served beside the model that it changes, by the same server."""

    of: DnsLabel = Field(description="the model that it was trained on, of the same server", examples=["llama-3-1-8b"])
    rank: Positive = Field(16, description="r of its adapter_config.json")


class Model(Block):
    """One model. Enough to start: weights, pool, context."""

    weights: Weights | None = Field(None, description="what to stage", examples=["{from: ..., files: {...}}"])
    pool: DnsLabel = Field(description="where it runs: a name of substrate:pools", examples=["engine-01"])
    context: Positive | None = Field(
        None, description="tokens a request may hold, prompt and answer together; LLMs need it", examples=["8192"]
    )
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
        None, description="requests served at once by a replica; default 4 for llama.cpp and ollama, 16 for the others"
    )
    gpus: Positive | None = Field(None, description="GPUs of one replica (tensor parallelism); default 1 on a GPU pool")
    cpus: CoresField | None = Field(None, description="cores of one replica: 2, or 500m; default 2")
    replicas: Replicas | None = None
    scaling: Scaling | None = Field(None, description="what the replicas follow; needs substrate:autoscaling")
    adapter: Adapter | None = Field(None, description="for a LoRA adapter; context and the like are its base model's")
    kserve: KServe | None = Field(None, description="for foundation kserve; its defaults suit most models")
    bento: Bento | None = Field(None, description="for foundation bentoml: the bento, its services and stages")
    nim: Nim | None = Field(None, description="a NIM image of NVIDIA's; the engine is then nim")
    triton: Triton | None = Field(None, description="for engine triton, which needs it")
    extra_args: list[str] = Field(
        default_factory=list,
        description="the engine's own arguments, after the plan's; none that the plan sets or that changes security",
        examples=['["--max-num-batched-tokens=4096"]'],
    )
    permissions: list[PermissionField] = Field(
        default_factory=list,
        description="trust-remote-code: lets extraArgs or Triton's python backend run code that comes with the weights",
        examples=["[trust-remote-code]"],
    )
    logging: Logging | None = Field(None, description="requests and answers as CloudEvents at a sink; default: nowhere")
    exemptions: dict[
        Annotated[str, AfterValidator(fields.rule_name)], Annotated[str, AfterValidator(fields.exemption)]
    ] = Field(
        default_factory=dict,
        description="rules of the policy pack that let this model's workload pass: until when, and why",
        examples=["{below-floor: until 2027-03-31 the vendor's image is due in March}"],
    )
    downtime: DowntimeField = Field(
        Downtime.REFUSE, description="allow: a switch of foundation on a full pool may take the model away meanwhile"
    )


class Server(Block):
    """A server that holds several models; a model alone gets its server implied."""

    models: list[DnsLabel] = Field(min_length=1, description="the models it holds", examples=["[model-a, model-b]"])
    gpus: Positive | None = Field(None, description="GPUs of one replica; default 1 on a GPU pool")
    cpus: CoresField | None = Field(None, description="cores of one replica: 2, or 500m; default 2")
    replicas: Replicas | None = None
    scaling: Scaling | None = Field(None, description="what the replicas follow; needs substrate:autoscaling")


class Defaults(Block):
    """What a stack sets once for all its models."""

    team: DnsLabel | None = None
    tier: TierField = Tier.STANDARD
    foundation: FoundationField = Foundation.PLAIN
    engine: EngineField | None = None
    store: DnsLabel | None = None
    parallel: Positive | None = None
    replicas: Replicas = Replicas()
    logging: Logging | None = Field(None, description="of all models; `log: none` in a model's block switches it off")
    images: dict[ImageName, Image] = Field(
        default_factory=dict,
        description="image by engine name, `stager`, `envoy` and `payload-logger`; tag or digest required",
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
    front_door: FrontDoor | None = Field(None, description="one OpenAI-compatible address before all models")
    monitoring: Monitoring | None = Field(None, description="the Prometheus that observes the models")
    autoscaling: Autoscaling | None = Field(None, description="what moves replicas between their least and their most")

    @cached_property
    def held(self) -> Mapping[str, str]:
        """Model to server, for the models that a server's block names."""
        return {model: name for name, server in self.servers.items() for model in server.models}
