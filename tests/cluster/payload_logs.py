"""Payload logging as the product writes it, a sink that remembers, and what it has heard. Imports the fixtures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

from cluster import images
from substrate.facts.payload_logging import DRAIN, LISTEN, METRICS, RELAY
from substrate.manifests import payload_logging
from substrate.plan import LoggingPlan, ServerPlan
from substrate.values import Bytes, Cores, Share
from tests.cluster import llamas
from tests.cluster.conftest import PATIENCE, Embedded, python_pod
from tests.stacks import plan_of

__all__ = ["LISTEN", "METRICS", "RELAY"]
SINK = "sink"
CLOSED = ("EOF", "use of closed network connection", "connection reset by peer")  # Go's words for it
# Remembers what it gets; told to hang, it takes requests and answers none.
_SINK = f"""import json, sys, threading
from http.server import *
heard, forever = [], threading.Event()
class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if sys.argv[1:] == ["hang"]:
            forever.wait()
        heard.append([{{name.lower(): value for name, value in self.headers.items()}}, body.decode()])
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()
    def do_GET(self):
        body = json.dumps(heard).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
ThreadingHTTPServer.request_queue_size = 256
ThreadingHTTPServer(("", {llamas.PORT}), Sink).serve_forever()
"""


def planned(name: str, where: str, sink: str, **changes: Any) -> ServerPlan:
    """A server of that name and namespace with an engine on port 8080, all of whose requests are logged."""
    all_of_it = LoggingPlan(
        image=images.reference("payload-logger"),
        sink=sink,
        log="both",
        sample=Share(1),
        redact=(),
        max_payload=Bytes.parse("1Mi"),
        secret=None,
        cpus=Cores.parse("50m"),
        drain=DRAIN,
    )
    (server,) = plan_of("local").servers
    assert server.engine.port == llamas.PORT
    return replace(server, name=name, namespace=where, logging=replace(all_of_it, **changes))


def sidecar(name: str, where: str, sink: str, **changes: Any) -> dict[str, Any]:
    return payload_logging.sidecar(*_of(planned(name, where, sink, **changes)))


def relay(name: str, where: str, sink: str, **changes: Any) -> dict[str, Any]:
    return payload_logging.relay(*_of(planned(name, where, sink, **changes)))


def knative_relay(name: str, where: str, sink: str, **changes: Any) -> dict[str, Any]:
    return payload_logging.relay_in_knative(*_of(planned(name, where, sink, **changes)))


def _of(server: ServerPlan) -> tuple[ServerPlan, LoggingPlan]:
    assert server.logging
    return server, server.logging


def logged(pod: dict[str, Any], where: str, sink: str = SINK) -> dict[str, Any]:
    """A pod with an engine on port 8080, and the sidecar before it."""
    name = pod["metadata"]["name"]
    (container,) = pod["spec"]["containers"]
    container["ports"] = [{"name": "engine", "containerPort": llamas.PORT}]
    pod["spec"]["initContainers"] = [sidecar(name, where, f"http://{sink}.{where}:80/")]
    pod["spec"]["terminationGracePeriodSeconds"] = 60
    return pod


def sink(where: str, name: str = SINK, *arguments: str) -> list[dict[str, Any]]:
    """A Deployment that can be scaled, and its Service."""
    pod = python_pod(name, where, "-c", _SINK, *arguments)
    container = pod["spec"]["containers"][0]
    container |= {"ports": [{"name": "http", "containerPort": llamas.PORT}], "securityContext": llamas.SECURITY}
    container["readinessProbe"] = {"tcpSocket": {"port": "http"}, "periodSeconds": 1}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    metadata = {"name": name, "namespace": where}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    return [deployment, llamas.service(name, where)]


def scale(cluster: Embedded, where: str, name: str, replicas: int) -> None:
    patience = f"--timeout={PATIENCE:.0f}s"
    cluster.kubectl("scale", f"deployment/{name}", "-n", where, f"--replicas={replicas}")
    if replicas:
        cluster.kubectl("rollout", "status", f"deployment/{name}", "-n", where, patience)
    else:
        cluster.kubectl("wait", "pod", "-n", where, "-l", f"app={name}", "--for=delete", patience)


@dataclass(frozen=True)
class Event:
    """A CloudEvent in binary mode: `attributes` without the prefix `ce-`."""

    attributes: Mapping[str, str]
    content_type: str
    data: str

    @property
    def kind(self) -> str:
        return self.attributes["type"].rpartition(".")[2]

    def json(self) -> Any:
        return json.loads(self.data)


def events(heard: str) -> list[Event]:
    """What a sink says that it has heard."""
    return [
        Event(
            {key.removeprefix("ce-"): value for key, value in headers.items() if key.startswith("ce-")},
            headers.get("content-type", ""),
            body,
        )
        for headers, body in json.loads(heard)
    ]


def heard(cluster: Embedded, where: str, name: str = SINK) -> list[Event]:
    return events(cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{where}/services/{name}:80/proxy/"))


def pairs(found: Sequence[Event]) -> dict[str, dict[str, Event]]:
    """By id: the request and the response. A sink that answers late is sent an event again, the same one."""
    joined: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in found:
        assert joined[event.attributes["id"]].setdefault(event.kind, event).data == event.data, "one id, two events"
    return dict(joined)


def post_behind_agent(client: httpx.Client, path: str, body: Mapping[str, Any]) -> httpx.Response:
    """Sent again, once, where KServe's agent says that llama-server has closed its connection.

    That one does so after five idle seconds, and what a Go proxy sends at that moment is lost, whatever the sink does:
    docs/decisions/payload-logging.md. Our sidecar has a connection for each request.
    """
    answer = client.post(path, json=body)
    if answer.status_code == 502 and any(word in answer.text for word in CLOSED):
        return client.post(path, json=body)
    return answer


def spoken(answer: str) -> str:
    """The content of a chat's answer, whole or in parts."""
    if not answer.startswith("data:"):
        return str(json.loads(answer)["choices"][0]["message"]["content"])
    chunks = [json.loads(line[5:]) for line in answer.splitlines() if line.startswith("data: {")]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])


def of_numbers(found: Sequence[Event], numbers: Collection[int]) -> dict[int, dict[str, Event]]:
    """The pairs whose question is `Question <number>.`, by that number."""
    wanted = {f"Question {number}.": number for number in numbers}
    asked: dict[int, dict[str, Event]] = {}
    for pair in pairs(found).values():
        # KServe's agent logs GET as well, as a request without data.
        if "request" not in pair or not pair["request"].data:
            continue
        number = wanted.get(pair["request"].json()["messages"][0]["content"])
        # One that was asked again has a half before its pair.
        if number is not None and len(pair) >= len(asked.get(number, {})):
            asked[number] = pair
    return asked


def counted(cluster: Embedded, where: str, pod: str, outcome: str) -> float:
    """Events of the sidecar that were `sent`, or `dropped`."""
    return llamas.metric(cluster, where, pod, METRICS, f"payload_logger_events_{outcome}_total{{")
