"""What the closed loop applies: engines in pods under a server's names and labels. Imports Substrate's manifests.

The stand-in's program is mounted from a ConfigMap: the image is the stager's, which has Python.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from benchmarks.closed_loop.exposition import CPU_SCALE
from benchmarks.closed_loop.stack import TEAM
from cluster import images
from substrate.manifests import autoscaling, labels
from substrate.manifests.observability import monitors
from substrate.plan import ServerPlan, StackPlan
from substrate.plan.reach import workload_of

_CLONE = Path(__file__).resolve().parents[2]
_PROGRAM = (
    "benchmarks/closed_loop/stand_in.py",
    "benchmarks/closed_loop/exposition.py",
    "substrate/simulate/engine.py",
    "substrate/values.py",
)
_CODE = "stand-in"
_SECURITY = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
_TIMES = ("stabilizationWindowSeconds", "periodSeconds")

Object = dict[str, Any]


def namespace() -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}}


def program() -> Object:
    """The stand-in's files, each under a name that a ConfigMap's key may have."""
    files = {_key(path): (_CLONE / path).read_text() for path in _PROGRAM}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _CODE, "namespace": TEAM}, "data": files}


def stand_ins(server: ServerPlan, replicas: int, factor: float, start: float, cores: float) -> Object:
    """A Deployment of engines that listen `start` seconds of the clock after their processes began.

    Each requests `cores`, divided as its CPU metric is.
    """
    command = ["python3.11", "-m", "benchmarks.closed_loop.stand_in", f"--port={port(server)}", f"--factor={factor:g}"]
    container = {
        "image": images.reference("stager"),
        "command": [*command, f"--start={start:g}"],
        "env": [{"name": "PYTHONPATH", "value": "/program"}],
        "resources": {"requests": {"cpu": f"{round(1000 * cores / CPU_SCALE)}m", "memory": "32Mi"}},
        "volumeMounts": [{"name": "program", "mountPath": "/program", "readOnly": True}],
    }
    items = [{"key": _key(path), "path": path} for path in _PROGRAM]
    volume = {"name": "program", "configMap": {"name": _CODE, "items": items}}
    return _deployment(server, replicas, container, volume)


def llama_servers(server: ServerPlan, replicas: int, model: Path, slots: int) -> Object:
    """A Deployment of llama.cpp's servers, one thread each; `model` is the file's path on the node."""
    container = {
        "image": images.reference("llama.cpp"),
        "args": [
            *("--model", "/model.gguf", "--port", str(port(server)), "--ctx-size", str(512 * slots)),
            *("--parallel", str(slots), "--threads", "1", "--metrics", "--no-webui"),
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}},
        "volumeMounts": [{"name": "model", "mountPath": "/model.gguf", "readOnly": True}],
    }
    return _deployment(server, replicas, container, {"name": "model", "hostPath": {"path": str(model), "type": "File"}})


def _deployment(server: ServerPlan, replicas: int, container: Object, volume: Object) -> Object:
    """Pods that are Ready within a second of their server's first answer, and drain for as long as it takes."""
    engine = container | {
        "name": "engine",
        "imagePullPolicy": "Never",
        "securityContext": _SECURITY,
        "ports": [{"name": "http", "containerPort": port(server)}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1, "failureThreshold": 10},
    }
    spec = {
        "containers": [engine],
        "volumes": [volume],
        "terminationGracePeriodSeconds": 60,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532},
    }
    metadata = {"labels": labels.of_server(server), "annotations": labels.scraping(server)}
    template = {"metadata": metadata, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": workload_of(server), "namespace": TEAM},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels.selector(server)}, "template": template},
    }


def port(server: ServerPlan) -> int:
    """Where its engine answers, and where Prometheus is told to look."""
    return int(labels.scraping(server)["prometheus.io/port"])


def monitor(plan: StackPlan, interval: float) -> Object:
    """Substrate's, but that Prometheus reads the engines every `interval` seconds of the clock."""
    assert plan.monitoring is not None
    (found,) = monitors.of_team(plan.namespaces[0], plan.monitoring, logs=False)
    written = f"{round(1000 * interval)}ms"
    for endpoint in found["spec"]["podMetricsEndpoints"]:
        endpoint |= {"interval": written, "scrapeTimeout": written}
    return found


def autoscaler(server: ServerPlan) -> Object:
    """Substrate's."""
    (found,) = autoscaling.objects(server)
    return found


def cpu_autoscaler(server: ServerPlan, percent: int) -> Object:
    """What Substrate refuses to make: on the use of the CPU; as its own in all else."""
    found = autoscaler(server)
    target = {"type": "Utilization", "averageUtilization": percent}
    found["spec"]["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return found


def compressed(autoscaler: Object, factor: float) -> Object:
    """The same with each time of its behaviour divided by `factor`. Raises ValueError where that is not whole."""
    found = deepcopy(autoscaler)
    for rules in found["spec"]["behavior"].values():
        for place in (rules, *rules.get("policies", ())):
            for name in _TIMES:
                if name in place:
                    place[name] = _whole(place[name] / factor)
    return found


def _whole(seconds: float) -> int:
    if abs(seconds - round(seconds)) > 1e-9:
        raise ValueError(f"an autoscaler's times are whole seconds, and {seconds:g} is none: choose another factor")
    return round(seconds)


def _key(path: str) -> str:
    return path.replace("/", ".")
