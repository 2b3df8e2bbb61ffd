"""Prometheus as its real operator runs it, which finds every monitor and rule of every namespace. Imports this folder.

The operator is a process of the node, Prometheus itself a pod. `object-metrics` stands in for kube-state-metrics, whose
module cannot be had: the same names for what our rules ask.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cluster import images
from cluster.embedded import addons, probes
from cluster.embedded.addons import NodePort, Object, node_service
from cluster.embedded.api import Api
from cluster.embedded.components.component import Component, flags, task
from cluster.embedded.components.control_plane import API
from cluster.embedded.components.node import KUBELET, PROXY
from cluster.embedded.components.services import ADDONS
from cluster.embedded.definitions import KINDS, apply_all, establish
from cluster.embedded.errors import ClusterError
from cluster.embedded.extras.extra import Extra
from cluster.embedded.extras.release import LOCAL, SCRAPED, documents, namespace, patient_api
from cluster.embedded.layout import Inside, Network
from cluster.embedded.plan import Plan
from cluster.tools.catalogue.scaling import PROMETHEUS

NAME, NAMESPACE, PORT = "prometheus", "monitoring", 9090
OPERATOR, OBJECT_METRICS, SERVES = "prometheus-operator", "object-metrics", "prometheus-serves"
CRDS, RELEASE = "prometheus-crds", "prometheus-operator-rbac"
GROUP = "monitoring.coreos.com"
# What is chosen in every namespace; the operator does without the definitions of the others.
KINDS_USED = ("podmonitors", "probes", "prometheuses", "prometheusrules", "servicemonitors")
SCRAPE_INTERVAL = "5s"  # short, so that a person sees what happens, and a test does not wait
_OPERATOR_PORT, _OBJECTS_PORT, _KUBELET_PORT = 9450, 9451, 10250
_NONROOT = 65532
# Seconds. The definition of Prometheus alone is of 800 kB, of which the API server rebuilds its schemas.
_INSTALL, _SERVE = 400.0, 300.0
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def objects(release: Path) -> Iterator[Object]:
    """All that the operator, Prometheus and what it reads of the cluster need, in the order of their making."""
    yield namespace(NAMESPACE, {"substrate.dev/monitoring": "true"})
    yield from _roles(release)
    yield from addons.role(OBJECT_METRICS, *_read_rules())
    yield from node_service(
        OBJECT_METRICS,
        NAMESPACE,
        NodePort("metrics", _OBJECTS_PORT, _OBJECTS_PORT),
        labels={**SCRAPED, "app.kubernetes.io/name": "kube-state-metrics"},
    )
    kubelet = NodePort("https", _KUBELET_PORT, _KUBELET_PORT)
    yield from node_service("kubelet", "kube-system", kubelet, labels={"app.kubernetes.io/name": "kubelet"})
    yield from (_scraped(), _kubelet(), prometheus(), _service())


def _roles(release: Path) -> Iterator[Object]:
    """The release's own, but for the names of who gets them."""
    (role,) = documents(release / OPERATOR / "prometheus-operator-cluster-role.yaml")
    yield role
    yield addons.bind(OPERATOR, OPERATOR, f"system:serviceaccount:{NAMESPACE}:{OPERATOR}")
    (role,) = documents(release / NAME / "prometheus-cluster-role.yaml")
    yield role
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(NAME)}
    yield addons.bind(NAME, NAME, f"system:serviceaccount:{NAMESPACE}:{NAME}")


def _read_rules() -> Iterator[Object]:
    yield addons.rule("", addons.READ, "pods", "nodes")
    yield addons.rule("apps", addons.READ, "deployments")
    yield addons.rule("batch", addons.READ, "jobs")
    yield addons.rule("autoscaling", addons.READ, "horizontalpodautoscalers")


def prometheus() -> Object:
    """The server. Its data lie in the pod: they end with it."""
    every = ("podMonitor", "serviceMonitor", "probe", "rule")
    spec = {
        "replicas": 1,
        "image": images.reference("prometheus"),
        "version": f"v{PROMETHEUS.version}",
        "imagePullPolicy": "Never",
        "serviceAccountName": NAME,
        "serviceDiscoveryRole": "EndpointSlice",  # Services that lead to the node have no Endpoints
        "scrapeInterval": SCRAPE_INTERVAL,
        "evaluationInterval": SCRAPE_INTERVAL,
        "retention": "6h",
        "retentionSize": "256MB",
        **{f"{kind}Selector": {} for kind in every},
        **{f"{kind}NamespaceSelector": {} for kind in every},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NONROOT,
            "runAsGroup": _NONROOT,
            "fsGroup": _NONROOT,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
    }
    return {"apiVersion": f"{GROUP}/v1", "kind": "Prometheus", "metadata": _named(NAME), "spec": spec}


def _service() -> Object:
    spec = {
        "selector": {"app.kubernetes.io/name": NAME, "prometheus": NAME},
        "ports": [{"name": "http", "port": PORT, "targetPort": "web"}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": _named(NAME), "spec": spec}


def _scraped() -> Object:
    """The Services of our own processes; the series keep their own labels `namespace` and `pod`."""
    spec = {
        "jobLabel": "app.kubernetes.io/name",
        "namespaceSelector": {"any": True},
        "selector": {"matchLabels": SCRAPED},
        "endpoints": [{"port": "metrics", "honorLabels": True}],
    }
    return _service_monitor("processes", spec)


def _kubelet() -> Object:
    """The use of processors and memory that the kubelet tells: what a metrics server reads."""
    endpoint = {
        "port": "https",
        "scheme": "https",
        "path": "/metrics/resource",
        "honorLabels": True,
        "bearerTokenFile": f"{_ACCOUNT}/token",
        "tlsConfig": {"caFile": f"{_ACCOUNT}/ca.crt"},
        "relabelings": [{"targetLabel": "node", "replacement": Network.NODE_NAME}],
    }
    selector = {"matchLabels": {"app.kubernetes.io/name": "kubelet"}}
    spec = {
        "jobLabel": "app.kubernetes.io/name",
        "namespaceSelector": {"matchNames": ["kube-system"]},
        "selector": selector,
        "endpoints": [endpoint],
    }
    return _service_monitor("kubelet", spec)


def _service_monitor(name: str, spec: dict[str, Any]) -> Object:
    return {"apiVersion": f"{GROUP}/v1", "kind": "ServiceMonitor", "metadata": _named(name), "spec": spec}


def _named(name: str) -> dict[str, str]:
    return {"name": name, "namespace": NAMESPACE}


def _install(plan: Plan) -> None:
    api = patient_api()
    source = Path(plan.binary(CRDS))
    wanted = (source / f"{GROUP}_{kind}.yaml" for kind in KINDS_USED)
    establish(api, [item for file in wanted for item in addons.definitions(file)])
    apply_all(api, objects(Path(plan.binary(RELEASE))))


def _serves(_: Plan) -> None:
    """Wait until Prometheus answers by its Service."""
    api, deadline = Api.inside(), time.monotonic() + _SERVE
    while not api.healthy(f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}:{PORT}/proxy/-/ready"):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"Prometheus is not ready after {_SERVE:.0f} s", remedy=f"kubectl describe pods --namespace {NAMESPACE}"
            )
        time.sleep(0.5)


def _components(plan: Plan) -> tuple[Component, ...]:
    served = (plan.python, "-m", "cluster.embedded.object_metrics", Network.NODE, str(_OBJECTS_PORT))
    ready = probes.http_answers(Network.NODE, _OBJECTS_PORT, "/metrics")
    return (
        Component(NAME, task(plan.python, NAME), after=(API, ADDONS), task=True, expected=5, timeout=_INSTALL),
        _operator(plan),
        Component(OBJECT_METRICS, served, ready, after=(NAME,), expected=1),
        Component(
            SERVES,
            task(plan.python, SERVES),
            after=(OPERATOR, KUBELET, PROXY),
            task=True,
            expected=15,
            timeout=_SERVE + 10,
        ),
    )


def _operator(plan: Plan) -> Component:
    """Without limits for the reloader: its container does next to nothing."""
    options = (
        f"--apiserver=https://{Network.NODE}:{Network.API_PORT}",
        f"--ca-file={Inside.PKI}/ca.crt",
        f"--cert-file={Inside.PKI}/{OPERATOR}.crt",
        f"--key-file={Inside.PKI}/{OPERATOR}.key",
        f"--web.listen-address={LOCAL}:{_OPERATOR_PORT}",
        *flags(
            prometheus_config_reloader=images.reference("prometheus-config-reloader"),
            config_reloader_cpu_request="0",
            config_reloader_cpu_limit="0",
            config_reloader_memory_request="0",
            config_reloader_memory_limit="0",
        ),
    )
    ready = probes.http_answers(LOCAL, _OPERATOR_PORT, "/healthz")
    return Component(OPERATOR, (plan.binary(OPERATOR), *options), ready, after=(NAME,), expected=2)


EXTRA = Extra(
    NAME,
    binaries=(OPERATOR, CRDS, RELEASE),
    images=("prometheus", "prometheus-config-reloader"),
    components=_components,
    tasks={NAME: _install, SERVES: _serves},
    objects={
        NAME: (
            *(f"{KINDS}/{kind}.{GROUP}" for kind in KINDS_USED),
            f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/prometheuses/{NAME}",
            f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/servicemonitors/kubelet",
            f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/servicemonitors/processes",
            f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}",
        ),
        OPERATOR: (f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/prometheus-{NAME}",),
    },
)
