"""The adapter by which HPAs read Prometheus: resource, custom and external metrics. Imports this folder.

One API server serves one group: beside KEDA, `external.metrics.k8s.io` stays KEDA's, and this one serves the others.
The objects are the release's own (deploy/manifests); which series become which metrics says prometheus-adapter.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cluster.embedded import addons, probes
from cluster.embedded.addons import NodePort, Object, node_service
from cluster.embedded.api import Api
from cluster.embedded.components.component import Component, flags, task
from cluster.embedded.components.services import DNS
from cluster.embedded.definitions import apply_all
from cluster.embedded.extras import keda, prometheus
from cluster.embedded.extras.extra import Extra
from cluster.embedded.extras.prometheus import NAMESPACE
from cluster.embedded.extras.release import api_service, documents, kubeconfig
from cluster.embedded.layout import Inside, Network
from cluster.embedded.plan import Plan

NAME, RELEASE = "prometheus-adapter", "prometheus-adapter-manifests"
SETUP = "prometheus-adapter-objects"
CONFIG = Path(__file__).with_name("prometheus-adapter.yaml")
EXTERNAL, CUSTOM, RESOURCES = (
    (keda.GROUP, keda.VERSION),
    ("custom.metrics.k8s.io", "v1beta1"),
    ("metrics.k8s.io", "v1beta1"),
)
_PORT = 9470
# What of the release is not for a process of the node, or is written here instead.
_KINDS = ("ClusterRole", "ClusterRoleBinding", "RoleBinding")
_READER = "metrics-reader"


def groups(extras: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The groups, with their versions, that it serves in a cluster with these extras."""
    return (RESOURCES, CUSTOM) if keda.NAME in extras else (RESOURCES, CUSTOM, EXTERNAL)


def objects(release: Path, served: tuple[tuple[str, str], ...]) -> Iterator[Object]:
    """All that it needs, and the right of the HPA's controller to ask it."""
    for item in documents(*sorted(release.glob("*.yaml"))):
        if item["kind"] in _KINDS and item["metadata"]["name"] != "hpa-controller-custom-metrics":
            yield _scoped(item)
    rules = (addons.rule(group, addons.READ, "*") for group, _ in (CUSTOM, EXTERNAL))
    yield from addons.role(_READER, *rules)
    yield addons.bind(
        "hpa-controller-metrics", f"substrate:{_READER}", "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
    )
    yield from node_service(NAME, NAMESPACE, NodePort("https", 443, _PORT))
    yield from (api_service(group, version, NAME, NAMESPACE) for group, version in served)


def _scoped(item: Object) -> Object:
    """Some of the release's cluster roles are written with a namespace, which such a thing has not."""
    if item["kind"].startswith("Cluster"):
        item["metadata"].pop("namespace", None)
    return item


def _install(plan: Plan) -> None:
    apply_all(Api.inside(), objects(Path(plan.binary(RELEASE)), groups(plan.extras)))


def _components(plan: Plan) -> tuple[Component, ...]:
    setup = Component(SETUP, task(plan.python, SETUP), after=(prometheus.SERVES,), task=True, expected=1)
    options = flags(
        config=CONFIG,
        prometheus_url=f"http://{prometheus.NAME}.{NAMESPACE}.svc:{prometheus.PORT}",
        metrics_relist_interval="10s",
        metrics_max_age="1m",
        bind_address=Network.NODE,
        secure_port=_PORT,
        tls_cert_file=Inside.PKI / f"{NAME}-server.crt",
        tls_private_key_file=Inside.PKI / f"{NAME}-server.key",
        lister_kubeconfig=kubeconfig(NAME),
        authentication_kubeconfig=kubeconfig(NAME),
        authorization_kubeconfig=kubeconfig(NAME),
    )
    ready = probes.api_serves(*RESOURCES)
    return (setup, Component(NAME, (plan.binary(NAME), *options), ready, (SETUP, DNS), expected=4))


EXTRA = Extra(
    NAME,
    needs=(prometheus.NAME,),
    binaries=(NAME, RELEASE),
    components=_components,
    tasks={SETUP: _install},
    objects={
        SETUP: tuple(
            f"/apis/apiregistration.k8s.io/v1/apiservices/{version}.{group}" for group, version in (RESOURCES, CUSTOM)
        )
    },
)
