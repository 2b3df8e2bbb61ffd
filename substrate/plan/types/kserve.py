"""KServe: what a server says of it, its parts, the runtimes and the install of a stack. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from substrate.facts.kserve import PREDICTOR, TRANSFORMER
from substrate.plan.types.engine import EnginePlan
from substrate.values import Bytes


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
