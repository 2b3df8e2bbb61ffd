"""Tells Prometheus how objects of the cluster stand. Imports cluster.embedded.api and the standard library.

    python -m cluster.embedded.object_metrics 10.99.0.1 9451

The names, labels and meanings are those of kube-state-metrics, of whose series these are a few. Each question is
answered with what the API server says then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from cluster.embedded.api import Api, ApiError

IDENTITY = "object-metrics"
_CONDITION = ("true", "false", "unknown")
_REASONS = ("BackoffLimitExceeded", "DeadlineExceeded", "Evicted")
_PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
_Object = Mapping[str, Any]


class Sample(NamedTuple):
    """One line of Prometheus' text format."""

    name: str
    labels: Mapping[str, str]
    value: float

    def __str__(self) -> str:
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in self.labels.items())
        return f"{self.name}{{{labels}}} {self.value:.17g}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


# --- one function a kind ------------------------------------------------------------------------------------------


def deployment(item: _Object) -> Iterator[Sample]:
    labels, status = _named("deployment", item), item.get("status", {})
    yield Sample("kube_deployment_created", labels, _seconds(item["metadata"]["creationTimestamp"]))
    yield Sample("kube_deployment_spec_replicas", labels, item["spec"].get("replicas", 1))
    yield Sample("kube_deployment_status_replicas", labels, status.get("replicas", 0))
    for state in ("ready", "available", "unavailable", "updated"):
        yield Sample(f"kube_deployment_status_replicas_{state}", labels, status.get(f"{state}Replicas", 0))
    yield from _conditions("kube_deployment_status_condition", labels, status)


def autoscaler(item: _Object) -> Iterator[Sample]:
    name, labels = "kube_horizontalpodautoscaler", _named("horizontalpodautoscaler", item)
    spec, status = item["spec"], item.get("status", {})
    target = spec["scaleTargetRef"]
    scaled = {
        "scaletargetref_api_version": target.get("apiVersion", ""),
        "scaletargetref_kind": target["kind"],
        "scaletargetref_name": target["name"],
    }
    yield Sample(f"{name}_info", {**labels, **scaled}, 1)
    yield Sample(f"{name}_spec_min_replicas", labels, spec.get("minReplicas", 1))
    yield Sample(f"{name}_spec_max_replicas", labels, spec["maxReplicas"])
    yield Sample(f"{name}_status_current_replicas", labels, status.get("currentReplicas", 0))
    yield Sample(f"{name}_status_desired_replicas", labels, status.get("desiredReplicas", 0))
    yield from _conditions(f"{name}_status_condition", labels, status)


def job(item: _Object) -> Iterator[Sample]:
    labels, status = _named("job_name", item), item.get("status", {})
    for state in ("active", "succeeded"):
        yield Sample(f"kube_job_status_{state}", labels, status.get(state, 0))
    for moment in ("start", "completion"):
        if f"{moment}Time" in status:
            yield Sample(f"kube_job_status_{moment}_time", labels, _seconds(status[f"{moment}Time"]))
    yield from _failed(labels, status)
    for condition in status.get("conditions", []):
        name = {"Failed": "kube_job_failed", "Complete": "kube_job_complete"}.get(condition["type"])
        if name:
            yield from _one_of(name, labels, "condition", condition["status"].lower(), _CONDITION)


def _failed(labels: Mapping[str, str], status: _Object) -> Iterator[Sample]:
    """1 for the reason why it failed; pods by the number where the job has not failed, or for another reason."""
    name, conditions = "kube_job_status_failed", status.get("conditions", [])
    reasons = {one.get("reason", "") for one in conditions if one["type"] == "Failed" and one["status"] == "True"}
    if not status.get("failed"):
        yield Sample(name, {**labels, "reason": ""}, 0)
    elif known := reasons & set(_REASONS):
        yield from _one_of(name, labels, "reason", known.pop(), _REASONS)
    else:
        yield Sample(name, {**labels, "reason": ""}, status["failed"])


def pod(item: _Object) -> Iterator[Sample]:
    labels, status = {**_named("pod", item), "uid": item["metadata"]["uid"]}, item.get("status", {})
    yield Sample("kube_pod_created", labels, _seconds(item["metadata"]["creationTimestamp"]))
    if "startTime" in status:
        yield Sample("kube_pod_start_time", labels, _seconds(status["startTime"]))
    for owner in item["metadata"].get("ownerReferences", []):
        yield Sample("kube_pod_owner", {**labels, **_owner(owner)}, 1)
    yield from _one_of("kube_pod_status_phase", labels, "phase", status.get("phase", "Unknown"), _PHASES)
    for condition in status.get("conditions", []):
        if condition["type"] in ("Ready", "Scheduled"):
            name = f"kube_pod_status_{condition['type'].lower()}"
            yield from _one_of(name, labels, "condition", condition["status"].lower(), _CONDITION)
        if condition["type"] == "Ready" and condition["status"] == "True":
            yield Sample("kube_pod_status_ready_time", labels, _seconds(condition["lastTransitionTime"]))
    for container in status.get("containerStatuses", []):
        yield from _container({**labels, "container": container["name"]}, container)


def _owner(owner: _Object) -> dict[str, str]:
    controls = str(owner.get("controller", False)).lower()
    return {"owner_kind": owner["kind"], "owner_name": owner["name"], "owner_is_controller": controls}


def _container(labels: Mapping[str, str], status: _Object) -> Iterator[Sample]:
    yield Sample("kube_pod_container_status_restarts_total", labels, status["restartCount"])
    yield Sample("kube_pod_container_status_ready", labels, status["ready"])
    state = status.get("state", {})
    begun = state.get("running") or state.get("terminated") or {}
    if begun.get("startedAt"):
        yield Sample("kube_pod_container_state_started", labels, _seconds(begun["startedAt"]))
    waiting = state.get("waiting")
    if waiting:
        reason = {"reason": waiting.get("reason", "")}
        yield Sample("kube_pod_container_status_waiting_reason", {**labels, **reason}, 1)


def node(item: _Object) -> Iterator[Sample]:
    """Resources are named as kube-state-metrics does: `nvidia.com/gpu` is `nvidia_com_gpu`, an integer."""
    labels = {"node": item["metadata"]["name"]}
    for resource, quantity in item.get("status", {}).get("allocatable", {}).items():
        if "/" in resource:
            named = resource.translate(str.maketrans("./-", "___"))
            further = {"resource": named, "unit": "integer"}
            yield Sample("kube_node_status_allocatable", {**labels, **further}, float(quantity))


KINDS: Mapping[str, Callable[[_Object], Iterator[Sample]]] = {
    "/apis/apps/v1/deployments": deployment,
    "/apis/autoscaling/v2/horizontalpodautoscalers": autoscaler,
    "/apis/batch/v1/jobs": job,
    "/api/v1/pods": pod,
    "/api/v1/nodes": node,
}


def _named(kind: str, item: _Object) -> dict[str, str]:
    return {"namespace": item["metadata"]["namespace"], kind: item["metadata"]["name"]}


def _conditions(name: str, labels: Mapping[str, str], status: _Object) -> Iterator[Sample]:
    for condition in status.get("conditions", []):
        of_type = {**labels, "condition": condition["type"]}
        yield from _one_of(name, of_type, "status", condition["status"].lower(), _CONDITION)


def _one_of(name: str, labels: Mapping[str, str], label: str, holds: str, values: Iterable[str]) -> Iterator[Sample]:
    """A series for every value that a label may have, 1 for the one that holds."""
    return (Sample(name, {**labels, label: value}, float(value == holds)) for value in values)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


# --- the server ---------------------------------------------------------------------------------------------------


def samples(api: Api) -> Iterator[Sample]:
    """Of all objects as they are now. Raises ApiError, OSError and HTTPException."""
    for path, tell in KINDS.items():
        for item in (api.get(path) or {}).get("items") or ():
            yield from tell(item)


class Handler(BaseHTTPRequestHandler):
    """Answers every path with all samples, and 503 with the reason where the API server does not tell."""

    def do_GET(self) -> None:
        try:
            status, text = 200, "".join(f"{sample}\n" for sample in samples(Api.inside(IDENTITY)))
        except (ApiError, OSError, HTTPException) as error:
            status, text = 503, f"{error}\n"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: it is asked every few seconds."""


def main(host: str, port: str) -> None:
    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
