"""Beyond the cluster a model's API asks for a key, or somebody before it does. Imports the rule and the resources.

What stands before a model often belongs to another stack, so a route or its Gateway may say so:
`substrate.dev/authenticated-by: <who>`, and `substrate.dev/reached-at: <URL>` where clients are on the same machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, known, mapping, mappings, text
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.workloads import DOMAIN
from policies.rule import Flaw, Level, NotApplicable, Said, Severity, stack_rule
from policies.rules.published import is_service, published_by
from substrate.facts.addresses import of_this_machine

AUTHENTICATED_BY, REACHED_AT, NOBODY = f"{DOMAIN}/authenticated-by", f"{DOMAIN}/reached-at", "nobody"
# A published Service is the rule public-service's to refuse; where somebody let it pass, a key is still asked for.
PUBLIC_ON_PURPOSE = "policy.substrate.dev/public-service"
GATEWAY_GROUP = "gateway.networking.k8s.io"
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
# An engine's own key. That it covers part of an engine's paths only is another matter.
KEY_FLAGS = frozenset({"--api-key", "--api-keys", "--api-key-file"})
KEY_VARIABLES = frozenset({"VLLM_API_KEY", "LLAMA_API_KEY", "LLAMA_ARG_API_KEY", "LLAMA_ARG_API_KEY_FILE", "API_KEY"})
# What attaches authentication to a route or a Gateway: the kind, and the fields of which one must be there.
AUTHENTICATION = {
    ("gateway.envoyproxy.io", "SecurityPolicy"): ("jwt", "oidc", "basicAuth", "apiKeyAuth", "extAuth", "authorization"),
    ("kuadrant.io", "AuthPolicy"): ("rules", "defaults", "overrides"),
    ("security.istio.io", "AuthorizationPolicy"): ("rules",),
}
# Annotations of Ingress controllers that ask, and those that name a part which may.
INGRESS_ASKS = (
    "nginx.ingress.kubernetes.io/auth-url",
    "nginx.ingress.kubernetes.io/auth-type",
    "nginx.ingress.kubernetes.io/auth-tls-secret",
    "alb.ingress.kubernetes.io/auth-type",
)
INGRESS_MAY_ASK = ("traefik.ingress.kubernetes.io/router.middlewares",)

WHY = (
    "whoever reaches the address uses the model at your cost, reads what others asked where answers are cached, and "
    "tries every flaw that is found in the engine; open model servers are looked for by the thousand"
)
LINK = "https://docs.vllm.ai/en/latest/usage/security.html"


@stack_rule("open-api", Severity.CRITICAL, WHY, LINK)
def open_api(subject: Subject, stack: Stack) -> Iterator[Said]:
    """A way from outside to a model server, with nobody on it who asks for a key."""
    way = _way(subject, stack)
    if way is None or way.authenticated_by:
        return
    if way.may_ask:
        yield NotApplicable(f"{way.may_ask} may ask for a key: say it by annotation {AUTHENTICATED_BY}")
        return
    yield Flaw(
        f"it leads to {way.model}, and neither that nor anything named before it asks for a key",
        f"let the Gateway ask and say who does by annotation {AUTHENTICATED_BY} (in a stack of Substrate "
        "gateway.authenticatedBy), or give the engine a key of a Secret (VLLM_API_KEY, or llama.cpp's --api-key-file)",
    )


@stack_rule("open-api-by-name", Severity.HIGH, WHY, LINK, Level.ADVISORY)
def open_api_by_name(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """The same, where it is said that nobody asks: somebody decided it, and is told in every run."""
    way = _way(subject, stack)
    if way and way.authenticated_by == NOBODY:
        yield Flaw(
            f"annotation {AUTHENTICATED_BY} is {NOBODY}, and it leads to {way.model}",
            "let the Gateway ask for a key, and name it there in place of nobody",
        )


RULES = (open_api, open_api_by_name)


@dataclass(frozen=True)
class Way:
    """A way from outside to a model server without a key of its own."""

    model: str
    authenticated_by: str | None  # who asks before it, `nobody` where that is said
    may_ask: str | None = None  # a part on the way of which it is not known


def _way(subject: Subject, stack: Stack) -> Way | None:
    """None for what is no way from outside, leads to no model server, or to one that asks itself."""
    obj = subject.obj
    if obj.kind in ROUTES and obj.group == GATEWAY_GROUP:
        services = _services_of_route(obj)
    elif obj.kind == "Ingress" and obj.group == "networking.k8s.io":
        services = _services_of_ingress(obj)
    elif is_service(obj) and PUBLIC_ON_PURPOSE in obj.annotations and published_by(obj):
        services = [(obj.namespace, obj.name or "")]
    else:
        return None
    model = _model(subject, services, stack)
    holders = [subject, *_gateways(obj, stack)] if model else []
    if model is None or any(_near(one.obj) for one in holders):
        return None
    return Way(model, _asked_by(subject, holders, stack), _may_ask(obj))


def _model(subject: Subject, services: list[tuple[str, str]], stack: Stack) -> str | None:
    """The first model server without a key; by the route's own label where its Service is not of this stack."""
    reached = [each for place in services for service in stack.named("Service", *place) for each in [service]]
    behind = [one.workload for service in reached if is_service(service.obj) for one in stack.behind(service)]
    served = [one for one in behind if one.served]
    for one in served:
        if not _has_key(one):
            return f"{one}, a language model ({one.served})"
    claimed = next((one for one in (subject, *reached) if one.served), None) if not served else None
    return f"a language model ({claimed.served})" if claimed else None


def _has_key(workload: Subject) -> bool:
    return any(
        {word.partition("=")[0] for word in container.words} & KEY_FLAGS or container.environment.keys() & KEY_VARIABLES
        for pod in workload.pods
        for container in pod.containers
    )


def _services_of_route(obj: KubernetesObject) -> list[tuple[str, str]]:
    references = [one for rule in mappings(obj.spec.get("rules")) for one in mappings(rule.get("backendRefs"))]
    return [
        (text(one.get("namespace")) or obj.namespace, text(one.get("name")) or "")
        for one in references
        if (text(one.get("kind")) or "Service") == "Service"
    ]


def _services_of_ingress(obj: KubernetesObject) -> list[tuple[str, str]]:
    paths = [
        path for rule in mappings(obj.spec.get("rules")) for path in mappings(mapping(rule.get("http")).get("paths"))
    ]
    backends = [mapping(obj.spec.get("defaultBackend")), *(mapping(path.get("backend")) for path in paths)]
    names = [text(mapping(one.get("service")).get("name")) for one in backends]
    return [(obj.namespace, name) for name in names if name]


def _gateways(obj: KubernetesObject, stack: Stack) -> list[Subject]:
    """The Gateways of this stack that a route hangs on."""
    return [
        gateway
        for parent in mappings(obj.spec.get("parentRefs"))
        for gateway in stack.named(
            "Gateway", text(parent.get("namespace")) or obj.namespace, text(parent.get("name")) or ""
        )
    ]


def _near(obj: KubernetesObject) -> bool:
    """Whether clients reach it on their own machine only."""
    url = text(obj.annotations.get(REACHED_AT))
    return bool(url and of_this_machine(url))


def _asked_by(subject: Subject, holders: list[Subject], stack: Stack) -> str | None:
    said = next((who for one in holders if (who := text(one.obj.annotations.get(AUTHENTICATED_BY)))), None)
    return said or _by_ingress(subject.obj) or _by_filter(subject.obj) or _by_policy(holders, stack)


def _by_ingress(obj: KubernetesObject) -> str | None:
    written = (key for key in INGRESS_ASKS if (text(obj.annotations.get(key)) or "none") != "none")
    return next(written, None) if obj.kind == "Ingress" else None


def _filters(obj: KubernetesObject) -> list[Object]:
    rules = mappings(obj.spec.get("rules")) if obj.kind in ROUTES else []
    return [one for rule in rules for one in mappings(rule.get("filters"))]


def _by_filter(obj: KubernetesObject) -> str | None:
    return next((kind for one in _filters(obj) if (kind := text(one.get("type"))) == "ExternalAuth"), None)


def _by_policy(holders: list[Subject], stack: Stack) -> str | None:
    """A policy of this stack that is attached to the route or its Gateway and asks."""
    for holder in holders:
        for (group, kind), fields in AUTHENTICATION.items():
            for policy in stack.of_kind_in(kind, holder.obj.namespace):
                asks = any(known(policy.obj.spec.get(field)) for field in fields)
                if policy.obj.group == group and asks and _targets(policy.obj, holder.obj):
                    return str(policy)
    return None


def _targets(policy: KubernetesObject, obj: KubernetesObject) -> bool:
    references = [mapping(policy.spec.get("targetRef")), *mappings(policy.spec.get("targetRefs"))]
    return any(text(one.get("kind")) == obj.kind and text(one.get("name")) == obj.name for one in references)


def _may_ask(obj: KubernetesObject) -> str | None:
    """A part that the route names and that this program does not show."""
    if any(text(one.get("type")) == "ExtensionRef" for one in _filters(obj)):
        return "a filter of type ExtensionRef"
    named = [key for key in INGRESS_MAY_ASK if text(obj.annotations.get(key))] if obj.kind == "Ingress" else []
    return f"annotation {named[0]}" if named else None
