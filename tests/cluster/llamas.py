"""llama.cpp in pods behind Services, and stubs beside them. Imports the fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from cluster import images
from tests.cluster.conftest import Embedded, python_pod
from tests.cluster.kserve_objects import CLAIM, FOLDER

PORT = 8080
SECURITY = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
_ARGUMENTS = ("--model", f"/data/{FOLDER}/model.gguf", "--host", "0.0.0.0", "--port", str(PORT), "--ctx-size", "1024")
FIRST, LAST = 'data: {"part": 1}', "data: [DONE]"  # of a stream of the stub's
# Answers every request at once with its own JSON, in one packet. One with "stream" gets the first part at once and the
# last one only when another request with "go" is there: who holds answers back holds this one for ever.
_STUB = f"""import json, threading
from http.server import *
go = threading.Event()
class Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(body) if len(body) < 4096 else {{}}  # who sends much wants it back, and nothing else
        if asked.get("go"):
            go.set()
        self.send_response(200)
        if asked.get("stream"):
            return self.stream()
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def stream(self):
        go.clear()
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.part({FIRST!r})
        go.wait()
        self.part({LAST!r})
        self.wfile.write(b"0\\r\\n\\r\\n")
    def part(self, line):
        data = (line + "\\n\\n").encode()
        self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(data), data))
        self.wfile.flush()
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("", {PORT}), Stub).serve_forever()
"""


def llama_pod(name: str, where: str, served: str) -> dict[str, Any]:
    """The local stack's model under a name of its own."""
    pod = python_pod(name, where, volume=CLAIM)
    container = pod["spec"]["containers"][0]
    del container["command"]
    container |= {
        "name": "engine",
        "image": images.reference("llama.cpp"),
        "args": [*_ARGUMENTS, "--alias", served, "--parallel", "4", "--threads", "1", "--metrics", "--no-webui"],
        "securityContext": SECURITY,
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 1},
    }
    return pod


def stub_pod(name: str, where: str) -> dict[str, Any]:
    pod = python_pod(name, where, "-c", _STUB)
    container = pod["spec"]["containers"][0]
    container |= {"ports": [{"name": "http", "containerPort": PORT}], "securityContext": SECURITY}
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1}
    return pod


def service(name: str, where: str) -> dict[str, Any]:
    """As the product makes it: port 80 to the port that is called `http`."""
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": where}, "spec": spec}


def address(cluster: Embedded, where: str, pod: str) -> str:
    return str(cluster.get("pod", pod, "-n", where)["status"]["podIP"])


def streamed(client: httpx.Client, path: str, model: str, between: Callable[[], None] = lambda: None) -> str:
    """A stream of the stub's, whose first part is read before anybody asks for the last one; `between` the two."""
    with client.stream("POST", path, json={"model": model, "stream": True}) as answer:
        parts = answer.iter_lines()
        text = [next(parts)]
        between()
        client.post(path, json={"model": model, "go": True}).raise_for_status()
        return "\n".join([*text, *parts])


def metric(cluster: Embedded, where: str, pod: str, port: int, name: str) -> float:
    """The sum of a metric's series whose line starts so."""
    path = f"/api/v1/namespaces/{where}/pods/{pod}:{port}/proxy/metrics"
    lines = cluster.kubectl("get", "--raw", path).splitlines()
    found = [line for line in lines if line.startswith(name)]
    assert found, f"{pod} has no metric {name}"
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)
