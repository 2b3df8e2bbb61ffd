"""A number that a test sets and Prometheus reads, from a pod of its own, and what Prometheus says of it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.cluster.conftest import Embedded, eventually, python_pod, wait_ready

GROUP = "monitoring.coreos.com/v1"
NAME, METRIC, MODEL = "demand", "demand", "some-model"
PROMETHEUS = "http://prometheus.monitoring:9090"
_API = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1"
_PORT = 8000
# GET /metrics tells the number, GET /set/<number> changes it.
_PROGRAM = f"""from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    value = "0"
    def do_GET(self):
        if self.path.startswith("/set/"):
            Handler.value = self.path.removeprefix("/set/")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")  # without it, Prometheus 3 takes nothing
        self.end_headers()
        self.wfile.write(f"# TYPE {METRIC} gauge\\n{METRIC} {{Handler.value}}\\n".encode())
HTTPServer(("", {_PORT}), Handler).serve_forever()
"""


def make(cluster: Embedded, where: str) -> None:
    """The pod, and the PodMonitor that gives its series the pod's label `substrate.dev/model`; Ready."""
    pod = python_pod(NAME, where, "-c", _PROGRAM)
    pod["metadata"]["labels"]["substrate.dev/model"] = MODEL
    (container,) = pod["spec"]["containers"]
    container["ports"] = [{"name": "metrics", "containerPort": _PORT}]
    container["readinessProbe"] = {"httpGet": {"port": "metrics", "path": "/metrics"}, "periodSeconds": 1}
    cluster.apply(pod, monitor(where))
    wait_ready(cluster, where, NAME)


def monitor(where: str) -> dict[str, Any]:
    spec = {
        "selector": {"matchLabels": {"app": NAME}},
        "podTargetLabels": ["substrate.dev/model"],
        "podMetricsEndpoints": [{"port": "metrics"}],
    }
    return {"apiVersion": GROUP, "kind": "PodMonitor", "metadata": {"name": NAME, "namespace": where}, "spec": spec}


def rules(where: str, *given: dict[str, Any]) -> dict[str, Any]:
    """A PrometheusRule of one group."""
    spec = {"groups": [{"name": NAME, "rules": list(given)}]}
    return {"apiVersion": GROUP, "kind": "PrometheusRule", "metadata": {"name": NAME, "namespace": where}, "spec": spec}


def demand(cluster: Embedded, where: str, value: float) -> None:
    cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{where}/pods/{NAME}:{_PORT}/proxy/set/{value:g}")


def query(cluster: Embedded, promql: str) -> list[dict[str, Any]]:
    """The samples of an instant vector: `metric` by label, `value` as a number."""
    answer = json.loads(cluster.kubectl("get", "--raw", f"{_API}/query?query={quote(promql)}"))
    assert answer["status"] == "success", answer
    return [{"metric": one["metric"], "value": float(one["value"][1])} for one in answer["data"]["result"]]


def told(cluster: Embedded, promql: str) -> dict[str, Any]:
    """The one sample of a query, once there is one."""
    (sample,) = eventually(f"Prometheus answers {promql}", lambda: query(cluster, promql))
    assert isinstance(sample, dict)
    return sample
