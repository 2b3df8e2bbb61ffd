"""Who reaches a team's models, and what those reach, on a network that enforces policies (tests/manifests/reach.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from substrate.manifests import (
    bento,
    cluster,
    front_door,
    front_door_network,
    kserve,
    model,
    network,
    serving,
    staging,
)
from substrate.manifests.envoy import api
from substrate.plan import NamespacePlan, ServerPlan, StackPlan
from substrate.plan.reach import STARTING_PORT
from tests import triton_stacks
from tests.engine_plans import FILES, generated
from tests.manifests.reach import Network, Peer, directions
from tests.manifests.test_kserve_parts import BOTH
from tests.stacks import STACKS, document, plan_document, plan_of

PIPELINE = {
    "prepare": {"service": "Prepare", "cpus": "250m"},
    "score": {"service": "Score", "cpus": "250m"},
    "entry": {"service": "Pipeline", "depends": ["prepare", "score"]},
}
WEIGHTS = {"from": "s3://bentos/iris/", "files": {"bento.yaml": {"sha256": "a" * 64, "size": "1Mi"}}}
INTERNAL = (55555, 9999, 14579, 29500, 6379, 8265, 10001, 50052)
METADATA = Peer("metadata", None, address="169.254.169.254")
ABROAD = Peer("internet", None, address="203.0.113.7")
GATEWAY = Peer("proxy", "substrate-system", {"app": "traefik"})
STRANGER = Peer("web", "default", {"app": "web"})
PROMETHEUS = Peer("prometheus", "metrics", {}, {"substrate.dev/monitoring": "true"})
CLIENT = Peer("app", "shop", {}, {"substrate.dev/client": "true"})
DNS = Peer("coredns", "kube-system", {"k8s-app": "kube-dns"})


def changed(folder: Any, **settings: Any) -> StackPlan:
    """The local stack with other models, or other keys of its cluster."""
    data = document("local")
    data["config"]["substrate:pools"]["cpu"] |= {"nodeCpus": 16, "nodeMemory": "64Gi"}
    (name,) = data["config"]["substrate:models"]
    data["config"]["substrate:models"][name] |= settings.pop("model", {})
    for section, value in settings.items():
        data["config"].setdefault(f"substrate:{section}", {}).update(value)
    return plan_document(data, folder, "local")


KNATIVE = {"knativeGateway": {"service": "kourier-internal", "namespace": "kourier"}}
BENTO = {"iris": {"pool": "cpu", "foundation": "bentoml", "weights": WEIGHTS, "bento": {"stages": PIPELINE}}}
VARIED: dict[str, dict[str, Any]] = {
    "KServe with a transformer and an explainer": {"model": {"foundation": "kserve", "kserve": BOTH}},
    "Knative": {"model": {"foundation": "kserve", "kserve": {"mode": "Knative", **BOTH}}, "cluster": KNATIVE},
    "a bento's pipeline": {"models": BENTO},
    "Triton": {
        "models": triton_stacks.flowers("cpu"),
        "servers": {"flowers": {"models": list(triton_stacks.flowers("cpu"))}},
    },
    "logging to a Service": {"model": {"logging": {"sink": "http://events.audit.svc.cluster.local/"}}},
    "logging abroad": {"model": {"logging": {"sink": "https://events.example.com:8443/"}}},
    "logging on KServe": {"model": {"foundation": "kserve", "logging": {"sink": "http://events.audit/"}}},
    "a Gateway whose pods are elsewhere": {"cluster": {"gateway": {"podsNamespace": "envoy-gateway-system"}}},
}


@pytest.fixture(params=[*STACKS, *VARIED])
def plan(request: Any, tmp_path: Any) -> StackPlan:
    name = request.param
    return plan_of(name) if name in STACKS else changed(tmp_path, **triton_stacks.apart(VARIED[name]))


def network_of(plan: StackPlan) -> Network:
    stages = [made for one in plan.servers if one.bento for made in bento.stage_objects(one, one.bento)]
    own = [policy for namespace in plan.namespaces for policy in network.policies(namespace)]
    doors = front_door_network.policies(plan.front_door) if plan.front_door else []
    return Network([*own, *doors, *(each for each in stages if each["kind"] == "NetworkPolicy")])


def entries(one: ServerPlan) -> Peer:
    """The pods that a server's Service sends to."""
    return next(pod for name, pod in pods(one).items() if name in ("engine", "transformer"))


def peer(one: ServerPlan, name: str, pod: dict[str, str]) -> Peer:
    """A pod in its team's namespace."""
    namespace = cluster.namespace(NamespacePlan(one.namespace, one.team, "v1.33", None))
    return Peer(name, one.namespace, pod, namespace["metadata"]["labels"])


def pods(one: ServerPlan) -> dict[str, Peer]:
    """Each kind of pod of a server, the one first that clients reach. KServe adds the label `component`."""
    if one.kserve is None:
        made = {"engine": serving.deployment(one)["spec"]["template"]["metadata"]["labels"]}
        return {name: peer(one, name, labels) for name, labels in made.items()}
    spec = kserve.inference_service(one, one.kserve)["spec"]
    found = {part: {**fields["labels"], "component": part} for part, fields in spec.items()}
    names = {"predictor": "engine" if "transformer" not in found else "predictor"}
    return {names.get(part, part): peer(one, part, labels) for part, labels in found.items()}


def stages(one: ServerPlan) -> dict[str, Peer]:
    made = bento.stage_objects(one, one.bento) if one.bento else []
    deployments = [each["spec"]["template"]["metadata"]["labels"] for each in made if each["kind"] == "Deployment"]
    return {labels["substrate.dev/stage"]: peer(one, "stage", labels) for labels in deployments}


def everything(plan: StackPlan) -> Iterator[Peer]:
    for one in plan.servers:
        yield from pods(one).values()
        yield from stages(one).values()
    yield from stagers(plan)


def stagers(plan: StackPlan) -> list[Peer]:
    namespaces = {one.name: cluster.namespace(one)["metadata"]["labels"] for one in plan.namespaces}
    jobs = [(claim.namespace, staging.job(claim, weights)) for claim in plan.claims for weights in claim.weights]
    pod = {job["metadata"]["name"]: job["spec"]["template"]["metadata"]["labels"] for _, job in jobs}
    return [Peer("stager", space, pod[job["metadata"]["name"]], namespaces[space]) for space, job in jobs]


def api_ports(one: ServerPlan) -> set[int]:
    """Where the pods behind the model's Service listen."""
    if one.kserve and one.kserve.gateway:
        return {8012}
    http = {8081, 9081} if one.logging else {one.engine.port}
    return http | ({one.engine.grpc_port} if one.engine.grpc_port else set())


def door(plan: StackPlan) -> Peer:
    assert plan.front_door
    pod = front_door.deployment(plan.front_door)["spec"]["template"]["metadata"]["labels"]
    return Peer("door", plan.front_door.namespace, pod, front_door.namespace(plan.front_door)["metadata"]["labels"])


def callers(plan: StackPlan, one: ServerPlan) -> list[Peer]:
    if one.kserve and one.kserve.gateway:
        return [Peer("kourier", one.kserve.gateway.namespace), Peer("activator", "knative-serving")]
    elsewhere = plan.namespaces[0].network
    assert elsewhere
    return [Peer("proxy", elsewhere.gateway, {"app": "x"}), door(plan), CLIENT]


def test_clients_reach_every_model_through_the_gateway_and_the_front_door(plan: StackPlan) -> None:
    for one in plan.servers:
        for caller in callers(plan, one):
            for port in api_ports(one):
                assert network_of(plan).reaches(caller, entries(one), port), (one.name, caller.name, port)


def test_front_door_is_asked_by_the_gateway_and_by_clients_and_by_nobody_else(plan: StackPlan) -> None:
    reaches, elsewhere = network_of(plan).reaches, plan.namespaces[0].network
    assert elsewhere
    gateway = Peer("proxy", elsewhere.gateway, {"app": "x"})

    assert all(reaches(caller, door(plan), api.PORT) for caller in (gateway, CLIENT))
    assert reaches(PROMETHEUS, door(plan), api.METRICS_PORT)
    for caller in (STRANGER, ABROAD, Peer("beside", door(plan).namespace, {}), *everything(plan)):
        assert not network_of(plan).admits(caller, door(plan), api.PORT), caller
    for caller in (gateway, CLIENT, STRANGER, ABROAD, *everything(plan)):
        assert not network_of(plan).admits(caller, door(plan), api.METRICS_PORT), caller


INTERCEPTOR = Peer("interceptor", "keda", {"app.kubernetes.io/name": "http"})
READER = Peer("prometheus", "monitoring", {"app.kubernetes.io/name": "prometheus"})


def test_what_wakes_models_reaches_them_and_who_answers_for_them_and_only_where_a_stack_has_it(plan: StackPlan) -> None:
    waking = any(one.asleep for one in plan.servers)
    reaches, sends = network_of(plan).reaches, network_of(plan).sends

    for one in plan.servers:
        assert reaches(INTERCEPTOR, entries(one), one.engine.port) == waking, one.name
        assert not network_of(plan).admits(INTERCEPTOR, entries(one), 22)
    assert reaches(INTERCEPTOR, door(plan), STARTING_PORT) == waking
    assert sends(door(plan), INTERCEPTOR, 8080) == waking
    assert not network_of(plan).admits(STRANGER, door(plan), STARTING_PORT)
    assert not network_of(plan).admits(INTERCEPTOR, door(plan), api.PORT)


def test_the_prometheus_that_a_stack_names_reads_its_models_without_a_label(plan: StackPlan) -> None:
    named = plan.monitoring is not None

    for one in plan.servers:
        port = one.engine.metrics_port or one.engine.port
        assert network_of(plan).admits(READER, entries(one), port) == named, one.name
    assert network_of(plan).admits(READER, door(plan), api.METRICS_PORT) == named


def test_front_door_reaches_models_and_names_and_nothing_else(plan: StackPlan) -> None:
    """Not the stagers of a team, no other port of its pods, no other namespace, nothing outside."""
    sends = network_of(plan).sends
    beside = [pod for one in plan.servers for pod in stages(one).values()]
    impostors = [Peer("model", "default", entries(one).labels) for one in plan.servers]

    assert sends(door(plan), DNS, 53, "UDP") and sends(door(plan), DNS, 53)
    for target in (ABROAD, METADATA, STRANGER, CLIENT, GATEWAY, *stagers(plan), *beside, *impostors):
        assert not [port for port in (80, 443, *network.API_PORTS) if sends(door(plan), target, port)], target
    for one in plan.servers:
        assert not [port for port in (22, 6443, *INTERNAL) if sends(door(plan), entries(one), port)], one.name


def test_every_pod_beside_the_front_door_is_closed_both_ways(plan: StackPlan) -> None:
    """A pod with the keys' Secret of somebody's debugging, say."""
    beside = Peer("beside", door(plan).namespace)

    assert not network_of(plan).admits(STRANGER, beside, 22)
    assert not network_of(plan).sends(beside, STRANGER, 22)


def test_nobody_else_is_admitted_to_a_models_api(plan: StackPlan) -> None:
    """By the model's own policies, whatever lets the others send."""
    for one in plan.servers:
        beside = [Peer("neighbour", one.namespace, {"app": "x"}), STRANGER, ABROAD, *stagers(plan)]
        others = [pod for other in plan.servers for name, pod in pods(other).items() if name in ("engine", "predictor")]
        impostor = Peer("impostor", "default", door(plan).labels)
        for caller in [*beside, *others, impostor]:
            for port in (*api_ports(one), one.engine.port):
                assert not network_of(plan).admits(caller, entries(one), port), (one.name, caller, port)


def test_no_engines_own_port_is_reached_by_anybody(plan: StackPlan) -> None:
    """Not by those either that may reach the API, nor from one of the team's pods to another."""
    for one in plan.servers:
        for caller in (*callers(plan, one), PROMETHEUS, GATEWAY, *everything(plan)):
            reached = [port for port in INTERNAL if network_of(plan).reaches(caller, entries(one), port)]
            assert reached == [], (one.name, caller.name)


def test_model_servers_reach_names_and_nothing_else(plan: StackPlan) -> None:
    targets = [ABROAD, STRANGER, GATEWAY, CLIENT, *everything(plan)]
    for one in plan.servers:
        if one.logging or one.bento:
            continue
        for name, pod in pods(one).items():
            assert network_of(plan).reaches(pod, DNS, 53, "UDP") and network_of(plan).reaches(pod, DNS, 53)
            if name not in ("transformer", "explainer"):
                ports = (80, 443, 3000, *api_ports(one))
                assert not [one for one in targets for port in ports if network_of(plan).sends(pod, one, port)]


def test_no_pod_of_a_team_reaches_the_clouds_credentials(plan: StackPlan) -> None:
    for pod in everything(plan):
        for port in (53, 80, 443, 8333, 8443):
            for protocol in ("TCP", "UDP"):
                assert not network_of(plan).sends(pod, METADATA, port, protocol)


def test_namespace_is_closed_both_ways_by_one_policy_that_lets_nothing_through(plan: StackPlan) -> None:
    for namespace in plan.namespaces:
        spec = network.default_deny(namespace)["spec"]
        assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}


def test_every_pod_of_a_team_is_closed_both_ways(plan: StackPlan) -> None:
    for pod in (*everything(plan), Peer("of nobody", plan.namespaces[0].name)):
        about = list(network_of(plan)._of(pod))
        assert {direction for policy in about for direction in directions(policy)} == {"Ingress", "Egress"}
        assert not network_of(plan).reaches(STRANGER, pod, 22)
        assert not network_of(plan).reaches(pod, STRANGER, 22)


def test_metrics_are_read_from_namespaces_that_say_so(plan: StackPlan) -> None:
    for one in plan.servers:
        if one.kserve and one.kserve.gateway:
            continue
        ports = {one.engine.metrics_port or one.engine.port, *([9903] if one.logging else [])}
        for port in ports:
            assert network_of(plan).reaches(PROMETHEUS, entries(one), port)
            assert not network_of(plan).reaches(STRANGER, entries(one), port)


@pytest.mark.parametrize("stack", STACKS)
def test_stagers_reach_their_sources_and_are_reached_by_nobody(stack: str) -> None:
    plan = plan_of(stack)
    store = Peer("s3", "substrate-system", {"app": "s3"})
    for stager in stagers(plan):
        assert network_of(plan).reaches(stager, ABROAD, 443) == (stack != "homelab"), "its files lie on the volume"
        assert network_of(plan).reaches(stager, store, 8333) == (stack == "local")
        assert not network_of(plan).reaches(STRANGER, stager, 8080)


def test_object_store_outside_on_a_port_of_its_own_is_reached(tmp_path: Any) -> None:
    weights = {**document("local")["config"]["substrate:models"]["smollm2-135m"]["weights"]}
    plan = changed(tmp_path, model={"weights": {**weights, "endpoint": "https://minio.store.example:9000"}})
    (stager,) = stagers(plan)

    assert network_of(plan).reaches(stager, ABROAD, 9000)
    assert not network_of(plan).reaches(stager, ABROAD, 22)


@pytest.mark.parametrize("name", ["KServe with a transformer and an explainer"])
def test_transformer_and_explainer_ask_the_predictor_and_it_asks_neither(name: str, tmp_path: Any) -> None:
    plan = changed(tmp_path, **VARIED[name])
    found = pods(plan.servers[0])
    reaches = network_of(plan).reaches

    assert reaches(found["transformer"], found["predictor"], 8080)
    assert reaches(found["explainer"], found["predictor"], 8080)
    assert not reaches(found["predictor"], found["transformer"], 8080)


def test_in_knative_the_parts_and_the_front_door_ask_by_its_gateway(tmp_path: Any) -> None:
    plan = changed(tmp_path, **VARIED["Knative"])
    assert network_of(plan).reaches(pods(plan.servers[0])["transformer"], Peer("kourier", "kourier"), 8081)
    assert network_of(plan).reaches(door(plan), Peer("kourier", "kourier"), 8081)


def test_stage_is_reached_by_those_that_ask_it_and_by_no_gateway(tmp_path: Any) -> None:
    plan = changed(tmp_path, **VARIED["a bento's pipeline"])
    one = next(each for each in plan.servers if each.bento)
    found, reaches = stages(one), network_of(plan).reaches

    assert reaches(entries(one), found["prepare"], 3000)
    assert not reaches(found["prepare"], found["score"], 3000)
    for caller in (GATEWAY, door(plan), CLIENT, PROMETHEUS, STRANGER):
        assert not reaches(caller, found["prepare"], 3000), "it unpickles what it is sent"


def test_copies_of_requests_reach_their_sink(tmp_path: Any) -> None:
    reaches = {name: changed(tmp_path, **VARIED[name]) for name in VARIED if name.startswith("logging")}
    inside, abroad = reaches["logging to a Service"], reaches["logging abroad"]
    sink = Peer("events", "audit", {"app": "events"})

    assert network_of(inside).reaches(entries(inside.servers[0]), sink, 8080), "its pods' port is their own"
    assert not network_of(inside).reaches(entries(inside.servers[0]), ABROAD, 80)
    assert network_of(abroad).reaches(entries(abroad.servers[0]), ABROAD, 8443)
    assert not network_of(abroad).reaches(entries(abroad.servers[0]), sink, 8443)


@pytest.mark.parametrize("engine", FILES)
def test_no_change_of_engine_is_cut_off_by_a_policy_of_the_one_before(engine: str) -> None:
    """A rollout has pods of both: so every engine's port is admitted always."""
    for one in generated(engine)[:40]:
        ports = [port for port in serving.ports(one.engine) if port["name"] != "metrics"]
        assert {port["containerPort"] for port in ports} <= set(network.API_PORTS)
        assert one.engine.metrics_port is None or one.engine.metrics_port in network.METRICS_PORTS
        assert model.target_port(one) == "http"


def test_stack_may_make_none_and_its_namespace_says_so(tmp_path: Any) -> None:
    plan = changed(tmp_path, cluster={"networkPolicies": "none"})
    (namespace,) = plan.namespaces

    assert network.policies(namespace) == []
    assert plan.front_door and front_door_network.policies(plan.front_door) == []
    for made in (cluster.namespace(namespace), front_door.namespace(plan.front_door)):
        assert made["metadata"]["annotations"] == {"substrate.dev/network-policies": "none"}
    assert "annotations" not in cluster.namespace(plan_of("local").namespaces[0])["metadata"]
