"""What the closed loop applies: engines in pods, what reads their metrics, autoscalers. Pure; imports images' names.

The stand-in's program is mounted from a ConfigMap: the image is the stager's, which has Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from benchmarks.closed_loop.exposition import CPU_SCALE
from cluster import images
from substrate.simulate.choices import Target

NAMESPACE, NAME, PORT = "closed-loop", "chat", 8000
# As Substrate labels what serves a model; Prometheus writes them `substrate_dev_model`, ...
LABELS = {"substrate.dev/model": NAME, "substrate.dev/engine": "vllm", "substrate.dev/workload": "llm"}
SELECTOR = {"substrate.dev/model": NAME}
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
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def program() -> Object:
    """The stand-in's files, each under a name that a ConfigMap's key may have."""
    files = {_key(path): (_CLONE / path).read_text() for path in _PROGRAM}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named(_CODE), "data": files}


def stand_ins(replicas: int, factor: float, start: float, cores: float) -> Object:
    """A Deployment of engines that listen `start` seconds of the clock after their processes began.

    Each requests `cores`, divided as its CPU metric is.
    """
    command = ["python3.11", "-m", "benchmarks.closed_loop.stand_in", f"--port={PORT}", f"--factor={factor:g}"]
    container = {
        "name": "engine",
        "image": images.reference("stager"),
        "imagePullPolicy": "Never",
        "command": [*command, f"--start={start:g}"],
        "env": [{"name": "PYTHONPATH", "value": "/program"}],
        "securityContext": _SECURITY,
        "resources": {"requests": {"cpu": f"{round(1000 * cores / CPU_SCALE)}m", "memory": "32Mi"}},
        "volumeMounts": [{"name": "program", "mountPath": "/program", "readOnly": True}],
    }
    items = [{"key": _key(path), "path": path} for path in _PROGRAM]
    volume = {"name": "program", "configMap": {"name": _CODE, "items": items}}
    return _deployment(replicas, container, "/health", volume)


def llama_servers(replicas: int, model: Path, slots: int) -> Object:
    """A Deployment of llama.cpp's servers, one thread each; `model` is the file's path on the node."""
    container = {
        "name": "engine",
        "image": images.reference("llama.cpp"),
        "imagePullPolicy": "Never",
        "args": [
            *("--model", "/model.gguf", "--port", str(PORT), "--ctx-size", str(512 * slots)),
            *("--parallel", str(slots), "--threads", "1", "--metrics", "--no-webui"),
        ],
        "securityContext": _SECURITY,
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}},
        "volumeMounts": [{"name": "model", "mountPath": "/model.gguf", "readOnly": True}],
    }
    volume = {"name": "model", "hostPath": {"path": str(model), "type": "File"}}
    return _deployment(replicas, container, "/health", volume, engine="llama.cpp")


def _deployment(replicas: int, container: Object, health: str, volume: Object, engine: str = "vllm") -> Object:
    """Pods that are Ready within a second of their server's first answer, and drain for as long as it takes."""
    container |= {
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": health, "port": "http"}, "periodSeconds": 1, "failureThreshold": 10},
    }
    spec = {
        "containers": [container],
        "volumes": [volume],
        "terminationGracePeriodSeconds": 60,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532},
    }
    template = {"metadata": {"labels": {**LABELS, "substrate.dev/engine": engine}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _named(NAME),
        "spec": {"replicas": replicas, "selector": {"matchLabels": SELECTOR}, "template": template},
    }


def monitor(interval: float) -> Object:
    """What makes Prometheus read the engines every `interval` seconds of the clock, and keep their pods' labels."""
    written = f"{round(1000 * interval)}ms"
    spec = {
        "selector": {"matchLabels": SELECTOR},
        "podTargetLabels": list(LABELS),
        "podMetricsEndpoints": [{"port": "http", "interval": written, "scrapeTimeout": written}],
    }
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": _named(NAME), "spec": spec}


def cpu_autoscaler(percent: int, least: int, most: int, behavior: Mapping[str, Any]) -> Object:
    """What Substrate refuses to make: an HPA on the use of the CPU."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return _autoscaler([{"type": "Resource", "resource": {"name": "cpu", "target": target}}], least, most, behavior)


def external_autoscaler(
    targets: Iterable[Target], least: int, most: int, behavior: Mapping[str, Any], engine: str = "vllm"
) -> Object:
    metrics = [
        {
            "type": "External",
            "external": {
                "metric": {"name": f"substrate_{engine.replace('.', '_')}_{one.signal.lower()}"},
                "target": {"type": "AverageValue", "averageValue": f"{one.target:g}"},
            },
        }
        for one in targets
    ]
    return _autoscaler(metrics, least, most, behavior)


def rules(interval: float) -> Object:
    """What the external metrics are made of, recorded every `interval` seconds of the clock."""
    pods = f'{{namespace="{NAMESPACE}"}}'
    running, waiting = (f"sum by (namespace) (vllm:num_requests_{name}{pods})" for name in ("running", "waiting"))
    recorded = {"substrate:vllm_inflight": f"{running} + {waiting}", "substrate:vllm_waiting": waiting}
    group = {
        "name": "closed-loop",
        "interval": f"{round(1000 * interval)}ms",
        "rules": [{"record": name, "expr": expr} for name, expr in recorded.items()],
    }
    spec = {"groups": [group]}
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": _named(NAME), "spec": spec}


def _autoscaler(metrics: list[Object], least: int, most: int, behavior: Mapping[str, Any]) -> Object:
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": metrics,
        "behavior": dict(behavior),
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _named(NAME),
        "spec": spec,
    }


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


def _named(name: str) -> dict[str, str]:
    return {"name": name, "namespace": NAMESPACE}


def _key(path: str) -> str:
    return path.replace("/", ".")
