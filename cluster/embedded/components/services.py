"""What a bare Kubernetes lacks: DNS, volumes, fake nodes, the Gateway, S3, the way in. Imports cluster.embedded."""

from __future__ import annotations

from cluster.embedded import configs, probes
from cluster.embedded.components.component import FIRST_DOOR, Component, flags, task
from cluster.embedded.components.control_plane import API
from cluster.embedded.layout import Inside, Network
from cluster.embedded.plan import Plan
from cluster.embedded.ports import DOORS

ADDONS, GATEWAY_API, DNS, PROVISIONER, KWOK, GATEWAY, S3, BUCKETS, FORWARDER = (
    "addons",
    "gateway-api",
    "coredns",
    "node-local-provisioner",
    "kwok",
    "traefik",
    "seaweedfs",
    "buckets",
    "forwarder",
)
_LOCAL = "127.0.0.1"
_KWOK_PORT, _TRAEFIK_PING_PORT = 10247, 9000


def components(plan: Plan) -> tuple[Component, ...]:
    return (
        _forwarder(plan),
        _seaweedfs(plan),
        _buckets(plan),
        _addons(plan),
        _gateway_api(plan),
        _coredns(plan),
        _provisioner(plan),
        _kwok(plan),
        _traefik(plan),
    )


def _forwarder(plan: Plan) -> Component:
    doors = tuple(f"{FIRST_DOOR + n}={door.target[0]}:{door.target[1]}" for n, door in enumerate(DOORS))
    command = (plan.python, "-m", "cluster.embedded.forward", *doors)
    return Component(FORWARDER, command, doors=tuple(door.name for door in DOORS), expected=1)


def _addons(plan: Plan) -> Component:
    command = task(plan.python, "addons")
    return Component(ADDONS, command, after=(API,), task=True, expected=1)


def _gateway_api(plan: Plan) -> Component:
    command = task(plan.python, "gateway-api")
    return Component(GATEWAY_API, command, after=(API, ADDONS), task=True, expected=3)


def _coredns(plan: Plan) -> Component:
    command = (plan.binary("coredns"), "-conf", str(Inside.CONFIG / "Corefile"))
    ready = probes.name_resolves(Network.NODE, f"kubernetes.default.svc.{Network.DOMAIN}")
    return Component(DNS, command, ready, after=(API, ADDONS), expected=2)


def _provisioner(plan: Plan) -> Component:
    options = flags(
        kubeconfig=Inside.PKI / "node-local-provisioner.kubeconfig", root=Inside.VOLUMES, node_name=Network.NODE_NAME
    )
    return Component(PROVISIONER, (plan.binary("node-local-provisioner"), *options), after=(API, ADDONS))


def _kwok(plan: Plan) -> Component:
    options = flags(
        kubeconfig=Inside.PKI / "kwok.kubeconfig",
        config=Inside.CONFIG / "kwok-stages.yaml",
        manage_nodes_with_annotation_selector="kwok.x-k8s.io/node=fake",
        node_ip=Network.NODE,
        node_port=_KWOK_PORT,
        server_address=f"{Network.NODE}:{_KWOK_PORT}",
        node_lease_duration_seconds=40,
    )
    ready = probes.http_answers(Network.NODE, _KWOK_PORT, "/healthz")
    return Component(KWOK, (plan.binary("kwok"), *options), ready, after=(API, ADDONS), expected=1)


def _traefik(plan: Plan) -> Component:
    """Streams last as long as they last: no time limit on reading a request or on an answer."""
    options = {
        "providers.kubernetesgateway": "true",
        "providers.kubernetesgateway.statusaddress.ip": Network.NODE,
        "entrypoints.web.address": f"{Network.NODE}:{Network.GATEWAY_PORT}",
        "entrypoints.web.transport.respondingtimeouts.readtimeout": "0",
        "entrypoints.web.transport.lifecycle.gracetimeout": "1s",
        "entrypoints.web.http.middlewares": f"{configs.HELD_REQUESTS}@file",
        "providers.file.filename": str(Inside.CONFIG / configs.GATEWAY_FILE),
        "providers.file.watch": "false",
        # llama-server closes a connection after a streamed answer, and one that was idle for 5 s, without a word: what
        # is sent on it meanwhile is lost (a 502; one in fourteen after a stream). So none is used twice.
        "serverstransport.maxidleconnsperhost": "-1",
        "entrypoints.ping.address": f"{_LOCAL}:{_TRAEFIK_PING_PORT}",
        "ping.entrypoint": "ping",
        "global.checknewversion": "false",
        "global.sendanonymoususage": "false",
        "log.level": "INFO",
        "log.nocolor": "true",
    }
    command = (plan.binary("traefik"), *(f"--{name}={value}" for name, value in options.items()))
    ready = probes.both(
        probes.http_answers(_LOCAL, _TRAEFIK_PING_PORT, "/ping"),
        probes.http_answers(Network.NODE, Network.GATEWAY_PORT, "/", status=(404,)),
    )
    environment = {"KUBECONFIG": str(Inside.PKI / "traefik.kubeconfig")}
    return Component(GATEWAY, command, ready, after=(API, GATEWAY_API), environment=environment, expected=2)


def _seaweedfs(plan: Plan) -> Component:
    """Only S3, which asks for keys, is to be reached from pods; the rest listens on the namespace's loopback."""
    options = {
        "dir": Inside.OBJECTS,
        "ip": _LOCAL,
        "ip.bind": _LOCAL,
        "filer": "true",
        "filer.localSocket": Inside.RUN / "filer.sock",
        "master.telemetry": "false",
        "master.electionTimeout": "1s",
        "master.volumeSizeLimitMB": 1024,
        "volume.max": 100,
        "volume.preStopSeconds": 0,
        "s3": "true",
        "s3.ip.bind": Network.NODE,
        "s3.port": Network.S3_PORT,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": Inside.STATE / "s3.json",
        "s3.localSocket": Inside.RUN / "s3.sock",
    }
    command = (plan.binary("weed"), "server", *(f"-{name}={value}" for name, value in options.items()))
    ready = probes.http_answers(Network.NODE, Network.S3_PORT, "/", status=(200, 403))
    return Component(S3, command, ready, environment={"GOMEMLIMIT": "400MiB"}, expected=5)


def _buckets(plan: Plan) -> Component:
    command = task(plan.python, "buckets")
    return Component(BUCKETS, command, after=(S3,), task=True, expected=1)
