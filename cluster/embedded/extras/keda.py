"""KEDA's real operator and its metrics API server beside the cluster's own processes. Imports this folder.

The objects are the release's own (config/ of its module). Its webhooks do not run: what they refuse, the operator
says in a ScaledObject's status.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cluster.embedded import addons, files, probes
from cluster.embedded.addons import NodePort, Object, node_service
from cluster.embedded.components.component import Component, flags, task
from cluster.embedded.components.control_plane import API
from cluster.embedded.components.services import ADDONS, DNS
from cluster.embedded.definitions import KINDS, apply_all, establish
from cluster.embedded.extras.extra import Extra
from cluster.embedded.extras.release import LOCAL, SCRAPED, api_service, documents, kubeconfig, namespace, patient_api
from cluster.embedded.layout import Inside, Network
from cluster.embedded.plan import Plan

NAME = NAMESPACE = "keda"
OPERATOR, ADAPTER, RELEASE = "keda-operator", "keda-adapter", "keda-config"
METRICS_SERVICE = "keda-metrics-apiserver"
GROUP, VERSION = "external.metrics.k8s.io", "v1beta1"
_METRICS, _PROBE, _GRPC, _SERVED, _ADAPTER_METRICS = 9455, 9456, 9457, 9458, 9459
_CERTIFICATES = Inside.STATE / "keda-certificates"
_INSTALL = 400.0  # seconds; ScaledJob's definition is of 600 kB
_ENVIRONMENT = {
    "POD_NAMESPACE": NAMESPACE,
    "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE,
    "WATCH_NAMESPACE": "",
    "KUBECONFIG": str(kubeconfig(NAME)),
}


def objects(release: Path) -> Iterator[Object]:
    """All that both processes need but the definitions, in the order of their making."""
    yield namespace(NAMESPACE)
    rbac, server = release / "rbac", release / "metrics-server"
    roles = (rbac / "role.yaml", rbac / "role_binding.yaml", server / "role.yaml", server / "role_binding.yaml")
    yield from documents(*roles)
    yield from node_service(OPERATOR, NAMESPACE, NodePort("metrics", 8080, _METRICS), labels=SCRAPED)
    yield from node_service(METRICS_SERVICE, NAMESPACE, NodePort("https", 443, _SERVED))
    yield api_service(GROUP, VERSION, METRICS_SERVICE, NAMESPACE)


def _install(plan: Plan) -> None:
    api = patient_api()
    release = Path(plan.binary(RELEASE))
    establish(api, addons.definitions(release / "crd" / "bases"))
    apply_all(api, objects(release))
    _CERTIFICATES.mkdir(parents=True, exist_ok=True)
    for ours, theirs in (("ca.crt", "ca.crt"), ("keda-server.crt", "tls.crt"), ("keda-server.key", "tls.key")):
        files.write(_CERTIFICATES / theirs, (Inside.PKI / ours).read_text(), mode=0o600)


def _components(plan: Plan) -> tuple[Component, ...]:
    return (
        Component(NAME, task(plan.python, NAME), after=(API, ADDONS), task=True, expected=4, timeout=_INSTALL),
        _operator(plan),
        _adapter(plan),
    )


def _operator(plan: Plan) -> Component:
    """It resolves the names of what it asks, so it comes after DNS."""
    options = flags(
        metrics_bind_address=f"{Network.NODE}:{_METRICS}",
        health_probe_bind_address=f"{LOCAL}:{_PROBE}",
        metrics_service_bind_address=f"{LOCAL}:{_GRPC}",
        cert_dir=_CERTIFICATES,
        zap_encoder="console",
        zap_time_encoding="rfc3339",
    )
    ready = probes.both(probes.http_answers(LOCAL, _PROBE, "/readyz"), probes.tcp_accepts(LOCAL, _GRPC))
    return Component(OPERATOR, (plan.binary(OPERATOR), *options), ready, (NAME, DNS), _ENVIRONMENT, expected=4)


def _adapter(plan: Plan) -> Component:
    options = flags(
        bind_address=Network.NODE,
        secure_port=_SERVED,
        port=_ADAPTER_METRICS,
        metrics_service_address=f"{LOCAL}:{_GRPC}",
        cert_dir=_CERTIFICATES,
        client_ca_file=_CERTIFICATES / "ca.crt",
        tls_cert_file=_CERTIFICATES / "tls.crt",
        tls_private_key_file=_CERTIFICATES / "tls.key",
        lister_kubeconfig=kubeconfig(NAME),
        authentication_kubeconfig=kubeconfig(NAME),
        authorization_kubeconfig=kubeconfig(NAME),
        zap_log_level="error",
    )
    command = (plan.binary(ADAPTER), *options)
    return Component(ADAPTER, command, probes.api_serves(GROUP, VERSION), (OPERATOR,), _ENVIRONMENT, expected=4)


EXTRA = Extra(
    NAME,
    binaries=(OPERATOR, ADAPTER, RELEASE),
    components=_components,
    tasks={NAME: _install},
    objects={
        NAME: (
            f"{KINDS}/scaledobjects.keda.sh",
            f"/apis/apiregistration.k8s.io/v1/apiservices/{VERSION}.{GROUP}",
            f"/api/v1/namespaces/{NAMESPACE}/services/{METRICS_SERVICE}",
        )
    },
)
