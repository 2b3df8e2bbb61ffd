"""One address before all models of a stack. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from substrate.plan.types.cluster import NetworkPlan, TaintPlan
from substrate.values import Bytes, Duration


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
