"""What the closed loop applies: engines in pods, what reads their metrics, autoscalers. Imports plans, images' names.

The stand-in's program is mounted from a ConfigMap: the image is the stager's, which has Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from benchmarks.closed_loop.exposition import CPU_SCALE
from benchmarks.closed_loop.stack import NAME, TEAM
from cluster import images
from substrate.plan.scaling import ScalingPlan

NAMESPACE, PORT = TEAM, 8000
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


def cpu_autoscaler(percent: int, like: ScalingPlan) -> Object:
    """What Substrate refuses to make: an HPA on the use of the CPU; as another in all else."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return _autoscaler([{"type": "Resource", "resource": {"name": "cpu", "target": target}}], like)


def external_autoscaler(scaling: ScalingPlan) -> Object:
    metrics = [
        {
            "type": "External",
            "external": {
                "metric": {"name": signal.metric, "selector": {"matchLabels": dict(scaling.series)}},
                "target": {"type": "AverageValue", "averageValue": f"{signal.adapted:g}"},
            },
        }
        for signal in scaling.signals
    ]
    return _autoscaler(metrics, scaling)


def rules(scaling: Iterable[ScalingPlan], interval: float) -> Object:
    """What the external metrics are made of, recorded every `interval` seconds of the clock."""
    recorded = {
        signal.metric: {
            "record": signal.metric.replace("substrate_", "substrate:", 1),
            "expr": signal.query,
            "labels": {"namespace": NAMESPACE, **one.series},
        }
        for one in scaling
        for signal in one.signals
    }
    group = {"name": "closed-loop", "interval": f"{round(1000 * interval)}ms", "rules": list(recorded.values())}
    spec = {"groups": [group]}
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": _named(NAME), "spec": spec}


def _autoscaler(metrics: list[Object], scaling: ScalingPlan) -> Object:
    rules = scaling.behaviour
    period = round(rules.up_period)
    up = [
        {"type": "Pods", "value": rules.up_pods, "periodSeconds": period},
        {"type": "Percent", "value": rules.up_percent, "periodSeconds": period},
    ]
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
        "minReplicas": scaling.min,
        "maxReplicas": scaling.max,
        "metrics": metrics,
        "behavior": {
            "scaleUp": {"stabilizationWindowSeconds": 0, "policies": up},
            "scaleDown": {
                "stabilizationWindowSeconds": round(rules.down_window),
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": period}],
            },
        },
    }
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": _named(NAME), "spec": spec}


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
