"""The plan's types: what builders and components read. Values only; imports substrate's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from substrate.facts.kserve import PREDICTOR, TRANSFORMER
from substrate.plan.repository import TritonPlan
from substrate.plan.scaling import KNATIVE, MonitoringPlan, ScalingPlan
from substrate.values import Bytes, Cores, Digest, Duration, Share


@dataclass(frozen=True)
class DestinationPlan:
    """Where a team's pods send to: a namespace of the cluster on any port; where that is None, `ports` outside it."""

    namespace: str | None
    ports: tuple[int, ...]


@dataclass(frozen=True)
class NetworkPlan:
    """Who reaches a namespace's pods, and what they reach.

    `gateway` is the namespace of the Gateway's pods, `knative` that of Knative's network layer, `waker` that of what
    wakes models at zero, `monitoring` that of what reads their metrics, where a stack has one. `sources` are where
    weights are staged from, `sinks` where copies of requests go.
    """

    gateway: str
    knative: str | None
    waker: str | None
    monitoring: str | None
    sources: tuple[DestinationPlan, ...]
    sinks: tuple[DestinationPlan, ...]


@dataclass(frozen=True)
class NamespacePlan:
    """A team's namespace. Pod Security `restricted` is enforced at `pod_security_version`.

    `network` is None where the stack asks for no NetworkPolicies.
    """

    name: str
    team: str
    pod_security_version: str
    network: NetworkPlan | None


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
    """One model as a server holds it. `context` counts the tokens of one request, `parallel` the requests at once.

    `weights` is None where the image holds them, `context` where the model is no LLM. `endpoint` is what clients speak
    at `url`: openai, kserve-v2 or custom. `mount` is where the weights lie in the container. `triton` is what Triton is
    told of the model, None for other engines. `remote_code`: whether the stack allows code that comes with the weights.
    """

    name: str
    served_name: str
    weights: WeightsPlan | None
    context: int | None
    parallel: int
    url: str
    endpoint: str
    mount: str
    triton: TritonPlan | None = None
    remote_code: bool = False


@dataclass(frozen=True)
class EnginePlan:
    """How the engine's container runs: everything that differs between engines.

    `command` is None where the image's own entry point is right, `metrics_path` where the engine exports no metrics,
    `metrics_port` where they are on `port`, `grpc_port` where it speaks no gRPC. `files` are small texts beside the
    weights, by name, which the container finds in `CONFIG_MOUNT`, or where `places` says; `folders` are empty ones.
    `of_the_pod` are variables that hold a field of the pod, by its path, `of_secrets` those that stand under their own
    name in a Secret. `pull_secret` is None where anybody may pull the image.
    """

    name: str
    image: str
    port: int
    health_path: str
    metrics_path: str | None
    args: tuple[str, ...]
    environment: Mapping[str, str]
    pre_stop: Mapping[str, object]
    shared_memory: Bytes | None
    command: tuple[str, ...] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    of_the_pod: Mapping[str, str] = field(default_factory=dict)
    of_secrets: Mapping[str, str] = field(default_factory=dict)
    pull_secret: str | None = None
    grpc_port: int | None = None
    metrics_port: int | None = None


@dataclass(frozen=True)
class ResourcesPlan:
    """What a replica asks for. Memory is request and limit alike; the CPU has no limit, so a burst is not throttled."""

    cpus: Cores
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
class LoggingPlan:
    """Copies of requests and answers as CloudEvents at `sink`. `log` is requests, responses or both.

    `secret` names a Secret whose key `authorization` the sink is sent. `cpus` is what all containers that log ask for,
    which comes out of the replica's cores; `drain` is added to the pod's grace.
    """

    image: str
    sink: str
    log: str
    sample: Share
    redact: tuple[str, ...]
    max_payload: Bytes
    secret: str | None
    cpus: Cores
    drain: Duration


@dataclass(frozen=True)
class RolloutPlan:
    """`max_surge` is 0 where the pool has no room for one replica more: a surge would wait for ever.

    `spare_replicas` is how many replicas more the pool could hold beside the least of all its models.
    """

    max_surge: int
    max_unavailable: int
    spare_replicas: int


@dataclass(frozen=True)
class KnativeGatewayPlan:
    """The Service of Knative's network layer, which tells models apart by the request's host."""

    service: str
    namespace: str
    port: int


@dataclass(frozen=True)
class PartPlan:
    """A container of the user's beside a model on KServe: `name` is transformer or explainer.

    An empty `command` is the image's own; `millicores` are thousandths of a core.
    """

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    environment: Mapping[str, str]
    millicores: int
    memory: Bytes
    replicas: int
    health_path: str


@dataclass(frozen=True)
class KServePlan:
    """How KServe runs a server: `mode` is Standard or Knative, a canary's percent is Knative's only.

    `runtime` names a RuntimePlan of the stack; `gateway` is where a model in Knative mode is reached. `resource` is the
    kind of object it is made from (facts.kserve), and only an InferenceService has a runtime, another mode and parts.
    """

    mode: str
    runtime: str
    canary_traffic_percent: int | None
    gateway: KnativeGatewayPlan | None
    resource: str
    parts: tuple[PartPlan, ...]

    @property
    def entry(self) -> str:
        """The part that clients reach: a transformer if there is one. KServe too sends it all but `:explain`."""
        return TRANSFORMER if any(part.name == TRANSFORMER for part in self.parts) else PREDICTOR


@dataclass(frozen=True)
class RuntimePlan:
    """An engine as KServe's runtime, once for the cluster; of the engine it holds what is every model's.

    `exemptions` are those of the servers that name it: what a rule finds in its image stands here.
    """

    name: str
    engine: EnginePlan
    exemptions: Mapping[str, str]


@dataclass(frozen=True)
class KServeInstallPlan:
    """Where KServe's official charts are: the controller's, and its definitions'; both of one version."""

    chart: str
    crds: str
    version: str


@dataclass(frozen=True)
class KServePlatformPlan:
    """What a stack expects of KServe's install in `namespace`, and of Knative Serving where a model asks for it.

    `teams` names the namespaces whose models are reached through Knative's gateway; `resources` the kinds of object
    that the models are made from. Where `install` is None somebody else has installed it, and it is only checked.
    `scaled`: whether a scaler of ours owns the replicas of a model on it.
    """

    namespace: str
    knative: KnativeGatewayPlan | None
    teams: tuple[str, ...]
    runtimes: tuple[RuntimePlan, ...]
    resources: tuple[str, ...]
    install: KServeInstallPlan | None
    scaled: bool = False


@dataclass(frozen=True)
class StagePlan:
    """One service of a bento in pods of its own. `name` is that of its objects, `stage` its name in the pipeline.

    `asked_by` names the stages that send requests to it, the entry aside: `asked_by_entry` says whether that does too.
    """

    name: str
    stage: str
    service: str
    url: str
    args: tuple[str, ...]
    asked_by: tuple[str, ...]
    asked_by_entry: bool
    replicas: int
    resources: ResourcesPlan


@dataclass(frozen=True)
class BentoPlan:
    """What a bento has beside its server, which is the entry's where there are `stages`.

    `user` runs the pods (and is their group), None where any may.
    """

    user: int | None
    stages: tuple[StagePlan, ...]


@dataclass(frozen=True)
class ServerPlan:
    """One workload: where it runs, how many, how it starts and stops, and the models that it serves.

    `implied`: a model alone, under its own name; else a block of `substrate:servers` of this name. `claim` is None
    where none of its models has weights to stage. `authenticated_by` says who asks clients for a key at the Gateway.
    `exemptions` are from rules of the policy pack: by the rule, until when and why. `scaling` is None where nothing
    moves its replicas, which are `min_replicas` then.
    """

    name: str
    namespace: str
    team: str
    tier: str
    foundation: str
    implied: bool
    models: tuple[ModelPlan, ...]
    engine: EnginePlan
    pool: PoolPlan
    claim: str | None
    resources: ResourcesPlan
    min_replicas: int
    max_replicas: int
    startup: StartupPlan
    rollout: RolloutPlan
    grace: Duration
    gateway_name: str
    gateway_namespace: str
    authenticated_by: str | None
    downtime_allowed: bool
    kserve: KServePlan | None
    exemptions: Mapping[str, str]
    logging: LoggingPlan | None = None
    bento: BentoPlan | None = None
    scaling: ScalingPlan | None = None

    @property
    def model(self) -> ModelPlan:
        """The only model, or the first of several."""
        return self.models[0]

    @property
    def scaled(self) -> bool:
        """Whether a scaler of ours owns the number of replicas; Knative's own reads it of the service."""
        return self.scaling is not None and self.scaling.through != KNATIVE

    @property
    def asleep(self) -> bool:
        """Whether it may be at zero while nobody asks, and so is not waited for."""
        return self.scaling is not None and self.scaling.wake is not None


@dataclass(frozen=True)
class UpstreamPlan:
    """One model behind the front door: `served_name` is what a request's `model` says, `host` where it is then sent.

    `authority` is the host to write into the request, where `host` is not the model's own (Knative's gateway).
    """

    name: str
    served_name: str
    host: str
    port: int
    authority: str | None


@dataclass(frozen=True)
class StartingPlan:
    """A model that may be at zero: whoever asked for it as `host` and was held for `held` is told so.

    `again` is when to ask again.
    """

    name: str
    host: str
    held: Duration
    again: Duration


@dataclass(frozen=True)
class FrontDoorPlan:
    """One OpenAI-compatible address, `url`, before all models of a stack. Its namespace is made with it.

    `cpu` is a Kubernetes quantity; `memory` bounds what all requests hold at once, `max_body` what one may.
    `keys_secret` names the Secret of the clients' keys; without one everybody is let in whom the Gateway lets in, which
    asks for keys where `authenticated_by` says who does. `network` is None where the stack asks for no NetworkPolicies.
    """

    url: str
    namespace: str
    pod_security_version: str
    network: NetworkPlan | None
    image: str
    replicas: int
    cpu: str
    memory: Bytes
    max_body: Bytes
    keys_secret: str | None
    taints: tuple[TaintPlan, ...]
    gateway_name: str
    gateway_namespace: str
    authenticated_by: str | None
    models: tuple[UpstreamPlan, ...]
    starting: tuple[StartingPlan, ...] = ()


@dataclass(frozen=True)
class StackPlan:
    """A whole stack, ready to be built."""

    name: str
    context: str
    namespaces: tuple[NamespacePlan, ...]
    pools: tuple[PoolPlan, ...]
    claims: tuple[ClaimPlan, ...]
    servers: tuple[ServerPlan, ...]
    kserve: KServePlatformPlan | None
    front_door: FrontDoorPlan | None
    monitoring: MonitoringPlan | None = None
