"""Model servers are reached by those who should: by no public Service, on no port of the engine, not without a key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.examples.network import KEYED, NONE, OPEN, TO_A
from tests.policies.judging import UNKNOWN, topic
from tests.policies.written import (
    LLM,
    bare,
    container,
    inference_service,
    knative,
    metadata,
    namespace,
    network_policy,
    route,
    service,
    template,
    workload,
)

judge, violations, only = topic("network")

Manifest = dict[str, Any]
PUBLIC = {"type": "LoadBalancer"}
WEB = workload("web", template(bare("nginx:1.29", "web"), labels={"app": "web"}))
ISVC = {"serving.kserve.io/inferenceservice": "llama"}


def keyed(**fields: Any) -> Manifest:
    return workload(pod=template(container(**fields)))


def groups(kind: str = "LeaderWorkerSet") -> Manifest:
    made = workload(kind=kind, version="leaderworkerset.x-k8s.io/v1")
    made["spec"] = {"leaderWorkerTemplate": {"leaderTemplate": KEYED, "workerTemplate": KEYED}}
    return made


# --- public-service


@pytest.mark.parametrize(
    ("stack", "found"),
    [
        ([workload(pod=KEYED), service(**PUBLIC)], "spec.type is LoadBalancer, for any address"),
        ([workload(pod=KEYED), service(type="NodePort")], "spec.type is NodePort"),
        ([workload(pod=KEYED), service(externalIPs=["203.0.113.7"])], "spec.externalIPs is set"),
        (
            [workload(pod=KEYED), service(loadBalancerSourceRanges=["10.0.0.0/8"], **PUBLIC)],
            "spec.type is LoadBalancer, and it leads to",
        ),
        ([workload(pod=KEYED, kind="StatefulSet"), service(**PUBLIC)], "leads to StatefulSet ml/llama"),
        ([groups(), service(**PUBLIC)], "leads to LeaderWorkerSet ml/llama"),
    ],
)
def test_model_server_that_is_published_past_every_gateway_is_refused(stack: list[Manifest], found: str) -> None:
    said = only(*stack)

    assert found in said and "rule: public-service" in said


@pytest.mark.parametrize(
    "stack",
    [
        [
            inference_service({"containers": [container(args=["--api-key-file", "/k"])]}),
            service(selector=ISVC, **PUBLIC),
        ],
        [service(labels=LLM, **PUBLIC)],
    ],
)
def test_service_of_kserves_pods_or_by_its_own_label_is_found(stack: list[Manifest]) -> None:
    assert [one for one in violations(*stack) if "rule: public-service" in one]


@pytest.mark.parametrize(
    "stack",
    [
        [workload(pod=KEYED), service()],
        [WEB, service("web", {"app": "web"}, **PUBLIC)],
        [workload(pod=KEYED), WEB, service("web", {"app": "web"}, **PUBLIC)],
        [workload(pod=KEYED), service(selector={"app": "a", "role": "other"}, **PUBLIC)],
        [workload(pod=KEYED), {**service(**PUBLIC), "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}],
        [knative({}, "registry.corp/function:4")],
    ],
)
def test_service_inside_or_of_something_else_passes(stack: list[Manifest]) -> None:
    assert judge(*stack) == []


def test_labels_that_are_not_known_yet_may_be_those_that_a_service_selects() -> None:
    unknown = workload(pod=template(container(), labels={"app": UNKNOWN}))

    assert {one.mandatory for one in judge(unknown, service(**PUBLIC))} == {False}


# --- internal-port-published


@pytest.mark.parametrize(
    ("ports", "number"),
    [
        ([{"port": 80, "targetPort": 8000}, {"name": "zmq", "port": 55555}], 55555),
        ([{"port": 80, "targetPort": 29500}], 29500),
        ([{"port": 9999}], 9999),
        ([{"port": 80, "targetPort": "rpc"}], 50052),
        ([{"port": 8265, "targetPort": "http"}], 8265),
        ([{"port": 6379, "targetPort": "6379"}], 6379),
    ],
)
def test_port_of_the_engines_own_is_refused_in_a_service(ports: list[Manifest], number: int) -> None:
    named = [{"name": "http", "containerPort": 8000}, {"name": "rpc", "containerPort": 50052}]

    assert f"spec.ports publishes {number}, " in only(keyed(ports=named), service(ports=ports))


def test_port_of_the_engines_own_is_refused_on_a_node() -> None:
    published = [{"containerPort": 29500, "hostPort": 29500}]

    assert "container engine publishes its port 29500 on the node" in only(keyed(ports=published))
    assert "init container side publishes" in only(
        workload(pod=template(container(), initContainers=[bare("a:1", "side", ports=published)]))
    )


@pytest.mark.parametrize(
    "stack",
    [
        [workload(), service()],
        [workload(), service(ports=[{"port": 29500}], clusterIP="None")],
        [keyed(ports=[{"containerPort": 29500}]), service()],
        [
            workload("cache", template(bare("redis:8.2", "cache"), labels={"app": "cache"})),
            service("cache", {"app": "cache"}, ports=[{"port": 6379}]),
        ],
    ],
)
def test_api_alone_and_other_programs_ports_pass(stack: list[Manifest]) -> None:
    assert judge(*stack) == []


# --- open-api


def ingress(to: str = "llama", annotations: dict[str, str] | None = None, **spec: Any) -> Manifest:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": to, "port": {"number": 80}}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata("public", annotations=annotations),
        "spec": {"rules": [{"http": {"paths": [path]}}], **spec},
    }


def gateway(annotations: dict[str, str] | None = None) -> Manifest:
    place = {"name": "public", "namespace": "gateways", **({"annotations": annotations} if annotations else {})}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": place, "spec": {}}


def policy(
    of: Manifest, kind: str = "SecurityPolicy", group: str = "gateway.envoyproxy.io/v1", **spec: Any
) -> Manifest:
    target = {"kind": of["kind"], "name": of["metadata"]["name"]}
    place = {"name": "keys", "namespace": of["metadata"]["namespace"]}
    return {"apiVersion": group, "kind": kind, "metadata": place, "spec": {"targetRefs": [target], **spec}}


def filtered(kind: str) -> list[Manifest]:
    return [{"filters": [{"type": kind}], "backendRefs": [{"name": "llama", "port": 80}]}]


BARE_ROUTE = route(annotations={})
MODEL = [workload(), service()]


@pytest.mark.parametrize(
    "stack",
    [
        [*MODEL, BARE_ROUTE],
        [*MODEL, gateway(), BARE_ROUTE],
        [*MODEL, {**BARE_ROUTE, "kind": "GRPCRoute"}],
        [*MODEL, ingress()],
        [*MODEL, ingress(rules=[], defaultBackend={"service": {"name": "llama"}})],
        [*MODEL, ingress(annotations={"alb.ingress.kubernetes.io/auth-type": "none"})],
        [*MODEL, route(annotations={"substrate.dev/reached-at": "https://models.example/llama"})],
        [*MODEL, route(annotations={}, rules=filtered("URLRewrite"))],
        [*MODEL, BARE_ROUTE, policy(BARE_ROUTE, cors={"allowOrigins": ["*"]})],
        [*MODEL, BARE_ROUTE, policy(route("other"), jwt={"providers": []})],
        [inference_service(), service(selector=ISVC), BARE_ROUTE],
        [workload(kind="StatefulSet"), service(), BARE_ROUTE],
        [{**route("elsewhere", annotations={}), "metadata": metadata("elsewhere", labels=LLM)}],
    ],
)
def test_way_from_outside_on_which_nobody_asks_for_a_key_is_refused(stack: list[Manifest]) -> None:
    said = only(*stack)

    assert "neither that nor anything named before it asks for a key" in said and "rule: open-api (" in said


@pytest.mark.parametrize(
    "stack",
    [
        [*MODEL, route()],
        [*MODEL, gateway({"substrate.dev/authenticated-by": "mutual TLS"}), BARE_ROUTE],
        [*MODEL, route(annotations={"substrate.dev/reached-at": "http://127.0.0.1:8080/llama"})],
        [*MODEL, gateway({"substrate.dev/reached-at": "http://localhost:8080"}), BARE_ROUTE],
        [workload(pod=KEYED), service(), BARE_ROUTE],
        [keyed(args=["--api-key-file", "/run/secrets/keys"]), service(), ingress()],
        [*MODEL, ingress(annotations={"nginx.ingress.kubernetes.io/auth-url": "http://oauth.corp"})],
        [*MODEL, route(annotations={}, rules=filtered("ExternalAuth"))],
        [*MODEL, BARE_ROUTE, policy(BARE_ROUTE, jwt={"providers": [{"name": "corp"}]})],
        [
            *MODEL,
            gateway(),
            BARE_ROUTE,
            policy(gateway(), "AuthPolicy", "kuadrant.io/v1", rules={"authentication": {}}),
        ],
        [*MODEL, {**BARE_ROUTE, "apiVersion": "gateway.corp.example/v1"}],
        [WEB, service("web", {"app": "web"}), route("web", annotations={}), ingress("web")],
        [route("of-another-stack", annotations={})],
    ],
)
def test_way_on_which_somebody_asks_passes_and_one_to_something_else(stack: list[Manifest]) -> None:
    assert judge(*stack) == []


def test_service_that_may_be_public_needs_a_key_all_the_same() -> None:
    exempt = {"policy.substrate.dev/public-service": "2999-12-31 the partner's firewall knows no Gateway"}
    public = service(annotations=exempt, **PUBLIC)

    assert "rule: public-service (" in only(workload(), service(**PUBLIC))
    assert "rule: open-api (" in only(workload(), public)
    assert violations(workload(pod=KEYED), public) == []


@pytest.mark.parametrize(
    "way",
    [
        route(annotations={}, rules=filtered("ExtensionRef")),
        ingress(annotations={"traefik.ingress.kubernetes.io/router.middlewares": "gateways-auth@kubernetescrd"}),
    ],
)
def test_part_that_may_ask_is_not_applicable_and_never_passed(way: Manifest) -> None:
    (told,) = judge(*MODEL, way)

    assert not told.mandatory and "may ask for a key: say it by annotation" in told.message


def test_nobody_who_asks_is_told_in_every_run_and_stops_none() -> None:
    (told,) = judge(*MODEL, route(annotations=OPEN))

    assert not told.mandatory and "rule: open-api-by-name" in told.message


# --- default-deny, no-network-policies, allows-everything

CLOSED_IN = network_policy("in", policyTypes=["Ingress"])
CLOSED_OUT = network_policy("out", policyTypes=["Egress"])


@pytest.mark.parametrize(
    ("policies", "missing"),
    [
        ([], "Ingress and Egress"),
        ([CLOSED_IN], "Egress"),
        ([CLOSED_OUT], "Ingress"),
        ([network_policy(selector={"matchLabels": {"app": "a"}})], "Ingress and Egress"),
        ([network_policy(selector={"matchExpressions": [{"key": "a", "operator": "Exists"}]})], "Ingress and Egress"),
        ([{**network_policy(), "spec": {"podSelector": {}}}], "Egress"),
        ([{**network_policy(), "metadata": {"name": "a", "namespace": "other"}}], "Ingress and Egress"),
    ],
)
def test_teams_namespace_that_is_not_closed_is_refused(policies: list[Manifest], missing: str) -> None:
    said = only(workload(), *policies, namespace())

    assert "Namespace ml: it is a team's namespace with Deployment ml/llama" in said
    assert f"closes {missing}\n" in said


@pytest.mark.parametrize(
    "stack",
    [
        [workload(), network_policy(), namespace()],
        [workload(), CLOSED_IN, CLOSED_OUT, namespace()],
        [workload(), namespace(team=None)],
        [WEB, namespace()],
        [namespace("other"), workload()],
    ],
)
def test_closed_namespace_passes_and_one_without_a_team_or_a_model(stack: list[Manifest]) -> None:
    assert judge(*stack) == []


def test_namespace_that_nobody_closes_by_name_is_told_in_every_run_and_stops_none() -> None:
    (told,) = judge(workload(), namespace(annotations=NONE))

    assert not told.mandatory and "annotation substrate.dev/network-policies is none" in told.message
    assert judge(WEB, namespace(annotations=NONE)) == []


ANY = {"ipBlock": {"cidr": "0.0.0.0/0"}}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"ingress": [{}]}, "spec.ingress[0]"),
        ({"egress": [{"to": TO_A["from"]}, {}]}, "spec.egress[1]"),
        ({"ingress": [{"from": [ANY]}]}, "spec.ingress[0]"),
        ({"egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}]}]}, "spec.egress[0]"),
        ({"ingress": [{"from": [{"namespaceSelector": {}}]}]}, "spec.ingress[0]"),
        ({"ingress": [{}], "selector": {"matchLabels": {"app": "a"}}}, "spec.ingress[0]"),
        (
            {"ingress": [{}], "selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
            "spec.ingress[0]",
        ),
    ],
)
def test_rule_that_lets_everything_through_is_refused(spec: Manifest, found: str) -> None:
    assert f"{found} lets everything through, for Deployment ml/llama" in only(
        workload(), network_policy("open", **spec)
    )


@pytest.mark.parametrize(
    "stack",
    [
        [workload(), network_policy("gateway", ingress=[TO_A])],
        [workload(), network_policy("dns", egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}])],
        [workload(), network_policy("beside", ingress=[{"from": [{"podSelector": {}}]}])],
        [
            workload(),
            network_policy("a", egress=[{"to": [{"ipBlock": {**ANY["ipBlock"], "except": ["169.254.169.254/32"]}}]}]),
        ],
        [workload(), WEB, network_policy("web", {"matchLabels": {"app": "web"}}, ingress=[{}])],
        [WEB, network_policy("web", ingress=[{}], egress=[{}])],
    ],
)
def test_rule_that_names_who_or_where_passes_and_one_for_other_pods(stack: list[Manifest]) -> None:
    assert judge(*stack) == []
