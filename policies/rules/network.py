"""Nobody reaches a model server but who should. Imports the rules of open APIs and the resources."""

from __future__ import annotations

from collections.abc import Iterator

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, mapping, mappings, sequence, text, whole
from policies.resources.services import port_numbers
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.workloads import DOMAIN, Evidence
from policies.rule import Flaw, Level, Rule, Severity, stack_rule
from policies.rules.open_api import RULES as OPEN_API
from policies.rules.published import is_service, published_by, served_behind

TEAM, POLICIES = f"{DOMAIN}/team", f"{DOMAIN}/network-policies"
ALL_ADDRESSES = ("0.0.0.0/0", "::/0")
# Ports on which an engine trusts whoever connects.
INTERNAL_PORTS = {
    55555: "ZMQ of vLLM's caches",
    9999: "UCX of vLLM's caches",
    14579: "the side channel of vLLM's transfers",
    29500: "torch.distributed",
    6379: "Ray's head",
    8265: "Ray's dashboard and jobs",
    10001: "Ray's clients",
    50052: "llama.cpp's RPC",
}

WHY_PUBLIC = (
    "a model server is no web server: beside its API it answers on paths that no key covers, and what is published on "
    "every node or at a cloud's balancer is found within hours"
)
WHY_INTERNAL = (
    "on that port the engine runs or unpickles what it is sent, without asking who sends: whoever reaches it runs code "
    "where the weights and the GPU are"
)
WHY_DENY = (
    "without it every pod of the cluster reaches this team's model servers on every port, and they reach every other "
    "program and the cloud's metadata address: one flaw in an engine is then a way to everything"
)
WHY_ALLOWS = (
    "policies add up, so one that lets everything through undoes all others, and looks like protection in a review"
)
POLICY_LINK = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
SERVICE_LINK = "https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types"
VLLM_LINK = "https://docs.vllm.ai/en/latest/usage/security.html"


@stack_rule("public-service", Severity.HIGH, WHY_PUBLIC, SERVICE_LINK)
def public_service(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A model server's Service that is reached from outside past every gateway."""
    how = published_by(subject.obj) if is_service(subject.obj) else None
    served = served_behind(subject, stack) if how else None
    if how and served:
        ranges = sequence(subject.obj.spec.get("loadBalancerSourceRanges"))
        anybody = "" if ranges else ", for any address"
        fix = (
            "make it ClusterIP and lead to it by a route of a Gateway that asks for a key; where it must stay, give it "
            "loadBalancerSourceRanges and the exemption policy.substrate.dev/public-service"
        )
        yield Flaw(f"{how}{anybody}, and it leads to {served}", fix)


@stack_rule("internal-port-published", Severity.CRITICAL, WHY_INTERNAL, VLLM_LINK)
def internal_port_published(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """An engine's own port in a Service that forwards to it, or on a node. A headless Service only names pods."""
    if is_service(subject.obj):
        yield from _in_service(subject, stack)
        return
    for pod in subject.pods:
        for container in pod.containers:
            for port in mappings(container.body.get("ports")):
                number = whole(port.get("containerPort"))
                if whole(port.get("hostPort")) and number in INTERNAL_PORTS and subject.served:
                    found = f"{container} publishes its port {number} on the node: {INTERNAL_PORTS[number]}"
                    yield Flaw(found, f"remove hostPort; {_FIX_INTERNAL}")


@stack_rule("default-deny", Severity.HIGH, WHY_DENY, POLICY_LINK)
def default_deny(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A team's namespace with model servers, and pods in it that no policy closes by default."""
    if not _is_namespace(subject.obj) or TEAM not in subject.obj.labels or _says_none(subject.obj):
        return
    missing = _not_denied(subject, stack)
    served = _first_served(subject, stack) if missing else None
    if served:
        yield Flaw(
            f"it is a team's namespace with {served}, and no NetworkPolicy there closes {' and '.join(missing)}",
            "add a NetworkPolicy with podSelector: {} and policyTypes: [Ingress, Egress] and no rules, then others for "
            "what the models need (DNS, the Gateway)",
        )


@stack_rule("no-network-policies", Severity.MEDIUM, WHY_DENY, POLICY_LINK, Level.ADVISORY)
def no_network_policies(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A team's namespace that says itself that nobody closes it: told in every run."""
    if _is_namespace(subject.obj) and _says_none(subject.obj) and (served := _first_served(subject, stack)):
        yield Flaw(
            f"annotation {POLICIES} is none, in a namespace with {served}",
            "take `networkPolicies: none` out of substrate:cluster, unless others' policies close the namespace",
        )


@stack_rule("allows-everything", Severity.HIGH, WHY_ALLOWS, POLICY_LINK)
def allows_everything(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A policy of model servers with a rule that any peer passes on any port."""
    if subject.obj.kind != "NetworkPolicy" or subject.obj.group != "networking.k8s.io":
        return
    open_ = [found for way, peers in (("ingress", "from"), ("egress", "to")) for found in _open(subject, way, peers)]
    if open_ and (served := _selected(subject, stack)):
        for found in open_:
            yield Flaw(
                f"{found} lets everything through, for {served}",
                "name who may pass and on which ports; to open one model to one client, select that model's pods",
            )


RULES: tuple[Rule, ...] = (
    public_service,
    internal_port_published,
    default_deny,
    no_network_policies,
    allows_everything,
    *OPEN_API,
)

_FIX_INTERNAL = "pods of one group reach each other by their own addresses, and a NetworkPolicy lets only them"


def _in_service(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    if text(subject.obj.spec.get("clusterIP")) == "None":
        return
    behind = stack.behind(subject)
    for port in mappings(subject.obj.spec.get("ports")):
        internal = sorted(port_numbers(port, behind) & INTERNAL_PORTS.keys())
        served = served_behind(subject, stack) if internal else None
        if served:
            number = internal[0]
            yield Flaw(
                f"spec.ports publishes {number}, {INTERNAL_PORTS[number]}, of {served}",
                f"publish the API's port alone; {_FIX_INTERNAL}",
            )


def _is_namespace(obj: KubernetesObject) -> bool:
    return obj.kind == "Namespace" and obj.api_version == "v1"


def _says_none(obj: KubernetesObject) -> bool:
    return text(obj.annotations.get(POLICIES)) == "none"


def _not_denied(namespace: Subject, stack: Stack) -> list[str]:
    """The directions that no policy of all pods closes."""
    policies = stack.of_kind_in("NetworkPolicy", namespace.obj.name or "")
    closed = {direction for one in policies if _of_all_pods(one.obj) for direction in _directions(one.obj)}
    return [direction for direction in ("Ingress", "Egress") if direction not in closed]


def _of_all_pods(obj: KubernetesObject) -> bool:
    selector = mapping(obj.spec.get("podSelector"))
    return not mapping(selector.get("matchLabels")) and not sequence(selector.get("matchExpressions"))


def _directions(obj: KubernetesObject) -> list[str]:
    """Those that a policy is about: as the API takes it where it does not say so."""
    written = [text(one) or "" for one in sequence(obj.spec.get("policyTypes"))]
    return written or ["Ingress", *(["Egress"] if sequence(obj.spec.get("egress")) else [])]


def _first_served(namespace: Subject, stack: Stack) -> str | None:
    for one in stack.within(namespace.obj.name or ""):
        if one.pods and (served := one.served):
            return f"{one}, a language model ({served})"
    return None


def _open(subject: Subject, way: str, peers: str) -> Iterator[str]:
    """Rules without a port that no peer, or every peer, is named in."""
    for index, rule in enumerate(mappings(subject.obj.spec.get(way))):
        named = mappings(rule.get(peers))
        if not sequence(rule.get("ports")) and (not named or any(map(_everybody, named))):
            yield f"spec.{way}[{index}]"


def _everybody(peer: Object) -> bool:
    block = mapping(peer.get("ipBlock"))
    if block:
        return text(block.get("cidr")) in ALL_ADDRESSES and not sequence(block.get("except"))
    selector = mapping(peer.get("namespaceSelector"))
    narrowed = mapping(selector.get("matchLabels")) or sequence(selector.get("matchExpressions"))
    return "namespaceSelector" in peer and not narrowed and not mapping(peer.get("podSelector"))


def _selected(subject: Subject, stack: Stack) -> str | None:
    """The first model server among a policy's pods."""
    evidence: Evidence | None
    for one in stack.selected(subject.obj.namespace, mapping(subject.obj.spec.get("podSelector"))):
        if evidence := one.workload.served:
            return f"{one.workload}, a language model ({evidence})"
    return None
