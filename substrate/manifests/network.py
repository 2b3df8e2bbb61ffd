"""A team's NetworkPolicies: its namespace is closed, and what its models need is let through. Pure.

They hold of every model that a team may come to have, whichever engine and foundation: a policy that followed one would
be changed before its pods are, and cut off those that still run. What was read of networks: docs/decisions/network.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from substrate.facts import payload_logging
from substrate.facts.addresses import METADATA, METADATA_IPV6
from substrate.facts.bentoml import BENTOML
from substrate.facts.bentoml import PORT as BENTO_PORT
from substrate.facts.engines import ENGINES
from substrate.facts.kserve import EXPLAINER, PART_PORT, TRANSFORMER
from substrate.manifests import labels
from substrate.plan.types import DestinationPlan, NamespacePlan, NetworkPlan

Rule = dict[str, Any]

DEFAULT_DENY = "default-deny"
# Every port that an API is served on: of the engines, of what logs before them, of a transformer or explainer.
API_PORTS = sorted(
    {port for row in ENGINES.values() for port in (row.port, row.grpc_port) if port}
    | {BENTO_PORT, PART_PORT, payload_logging.LISTEN, payload_logging.AGENT}
)
METRICS_PORTS = sorted({row.metrics_port for row in ENGINES.values() if row.metrics_port} | {payload_logging.METRICS})
# Of Knative's queue-proxy: HTTP/1, HTTP/2, its own state, its counts for the autoscaler.
QUEUE_PORTS = (8012, 8013, 8022, 9090)
KNATIVE_SERVING = "knative-serving"  # where its activator and autoscaler run
DNS_PORT = 53
# By its own label, which KServe sets: `component: predictor`, `transformer`, `explainer`.
_KSERVE_PART = {"key": "component", "operator": "In", "values": [EXPLAINER, TRANSFORMER]}
# A stage of a bento runs what it is sent, and has a policy of its own for who may send.
NO_STAGE = {"key": f"{labels.DOMAIN}/stage", "operator": "DoesNotExist"}


def policies(plan: NamespacePlan) -> list[dict[str, Any]]:
    """All of a namespace, in the order in which they are made; none where the stack asks for none."""
    return [*admissions(plan), default_deny(plan)] if plan.network else []


def default_deny(plan: NamespacePlan) -> dict[str, Any]:
    """Nothing in, nothing out, for every pod of the namespace."""
    return policy(plan, DEFAULT_DENY, {}, ingress=[], egress=[])


def admissions(plan: NamespacePlan) -> list[dict[str, Any]]:
    """What is let through; policies add up."""
    network = plan.network
    if network is None:
        return []
    made = [
        policy(plan, "models", models(NO_STAGE), ingress=to_models(network)),
        policy(plan, "dns", {}, egress=[to_names()]),
        policy(plan, "kserve-parts", models(_KSERVE_PART), egress=from_parts(network)),
        policy(plan, "bento-stages", bentos(), egress=[{"to": [stages()], "ports": ports([BENTO_PORT])}]),
        policy(plan, "stagers", {"matchLabels": labels.stager_selector()}, egress=to_all(network.sources)),
    ]
    if network.sinks:
        made.append(policy(plan, "payload-sinks", models(NO_STAGE), egress=to_all(network.sinks)))
    return made


def policy(
    plan: NamespacePlan,
    name: str,
    selected: Mapping[str, Any],
    ingress: Sequence[Rule] | None = None,
    egress: Sequence[Rule] | None = None,
) -> dict[str, Any]:
    """One object of a team's namespace."""
    metadata = {"name": name, "namespace": plan.name, "labels": labels.of_team(plan.team)}
    return with_rules(metadata, selected, ingress, egress)


def with_rules(
    metadata: Mapping[str, Any],
    selected: Mapping[str, Any],
    ingress: Sequence[Rule] | None = None,
    egress: Sequence[Rule] | None = None,
) -> dict[str, Any]:
    """One object; a direction that is None is none of its business, an empty one lets nothing through."""
    directions = {"Ingress": ingress, "Egress": egress}
    rules = {kind.lower(): list(given) for kind, given in directions.items() if given is not None}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": dict(metadata),
        "spec": {"podSelector": dict(selected), "policyTypes": [kind.title() for kind in rules], **rules},
    }


def to_models(network: NetworkPlan) -> list[Rule]:
    """Who asks a model: the Gateway, the front door, namespaces by their label, and KServe's parts beside it."""
    door = {"namespaceSelector": {"matchLabels": labels.door_component()}, **_pods(labels.front_door_selector())}
    callers = [namespace(network.gateway), door, {"namespaceSelector": {"matchLabels": labels.client()}}]
    readers = [{"namespaceSelector": {"matchLabels": labels.monitoring()}}]
    return [
        {"from": [*callers, {"podSelector": models(_KSERVE_PART)}], "ports": ports(API_PORTS)},
        {"from": readers, "ports": ports([*API_PORTS, *METRICS_PORTS])},
        *([_from_knative(network.knative)] if network.knative else []),
    ]


def _from_knative(gateway: str) -> Rule:
    """Its gateway, its activator and its autoscaler speak to the queue-proxy of a pod, never to the engine."""
    return {"from": [namespace(gateway), namespace(KNATIVE_SERVING)], "ports": ports(QUEUE_PORTS)}


def from_parts(network: NetworkPlan) -> list[Rule]:
    """A transformer or explainer asks the predictor: in the namespace, or through Knative's gateway."""
    behind = [{"to": [namespace(network.knative)]}] if network.knative else []
    return [{"to": [{"podSelector": models()}], "ports": ports(API_PORTS)}, *behind]


def to_all(destinations: Iterable[DestinationPlan]) -> list[Rule]:
    return [
        {"to": [namespace(one.namespace)]} if one.namespace else {"to": outside(), "ports": ports(one.ports)}
        for one in destinations
    ]


def to_names() -> Rule:
    """Where a cluster's DNS is differs: its pods, the node, an address beside them."""
    return {"to": anywhere(), "ports": ports([DNS_PORT], "UDP", "TCP")}


def anywhere() -> list[Rule]:
    """Every pod, and every address but those where a cloud keeps a machine's credentials."""
    return [{"namespaceSelector": {}}, *outside()]


def outside() -> list[Rule]:
    """Some networks hold a pod's address for none of these, others do."""
    return [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": [METADATA]}},
        {"ipBlock": {"cidr": "::/0", "except": [METADATA_IPV6]}},
    ]


def namespace(name: str) -> Rule:
    """All pods of a namespace, by the label that Kubernetes itself puts on it."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def models(*expressions: Mapping[str, Any]) -> dict[str, Any]:
    """The selector of a team's model servers, and of what KServe has beside them."""
    return {"matchExpressions": [labels.serves_models(), *(dict(one) for one in expressions)]}


def bentos() -> dict[str, Any]:
    return {"matchLabels": {f"{labels.DOMAIN}/engine": BENTOML}}


def stages() -> Rule:
    """The stages of any pipeline of the namespace; each admits its own askers only."""
    return {"podSelector": {"matchExpressions": [{"key": f"{labels.DOMAIN}/stage", "operator": "Exists"}]}}


def ports(numbers: Iterable[int], *protocols: str) -> list[Rule]:
    return [{"protocol": each, "port": number} for number in numbers for each in protocols or ("TCP",)]


def _pods(selected: Mapping[str, str]) -> Rule:
    return {"podSelector": {"matchLabels": dict(selected)}}
