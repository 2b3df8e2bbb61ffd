"""One workload: its models, how it logs and is replaced, and all that the other types say of it. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from substrate.plan.repository import TritonPlan
from substrate.plan.scaling import KNATIVE, ScalingPlan
from substrate.plan.types.cluster import PoolPlan
from substrate.plan.types.engine import EnginePlan, ResourcesPlan, StartupPlan
from substrate.plan.types.kserve import KServePlan
from substrate.plan.types.weights import WeightsPlan
from substrate.values import Bytes, Cores, Duration, Share


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
