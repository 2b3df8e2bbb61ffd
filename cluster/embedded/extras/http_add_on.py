"""KEDA's HTTP add-on: what holds a request while a model wakes from zero, as three processes. Imports this folder.

The objects are the release's own (config/ of its module), under the names that its chart gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cluster.embedded import addons, pki, probes
from cluster.embedded.addons import NodePort, Object, node_service
from cluster.embedded.api import Api
from cluster.embedded.components.component import Component, flags, task
from cluster.embedded.components.services import DNS
from cluster.embedded.definitions import KINDS, apply_all, establish
from cluster.embedded.extras import keda
from cluster.embedded.extras.extra import Extra
from cluster.embedded.extras.keda import NAMESPACE
from cluster.embedded.extras.release import LOCAL, SCRAPED, documents, kubeconfig
from cluster.embedded.plan import Plan

NAME, RELEASE = "http-add-on", "http-add-on-config"
OPERATOR, SCALER, INTERCEPTOR = (f"http-add-on-{name}" for name in pki.HTTP_ADD_ON)
PREFIX = "keda-add-ons-http-"
PROXY, ADMIN, EXTERNAL_SCALER = f"{PREFIX}interceptor-proxy", f"{PREFIX}interceptor-admin", f"{PREFIX}external-scaler"
PROXY_PORT, SCALER_PORT = 8080, 9090
_OPERATOR_METRICS, _OPERATOR_PROBE, _SCALER, _PROXY, _ADMIN, _METRICS = 9461, 9462, 9463, 9464, 9465, 9466
_INSTALL = 300.0  # seconds


def objects(release: Path) -> Iterator[Object]:
    """All that the three need but the definition, in the order of their making."""
    for name in pki.HTTP_ADD_ON:
        user = f"system:serviceaccount:{NAMESPACE}:{PREFIX}{name}"
        for role in documents(release / name / "role.yaml"):
            yield from _given(role, user)
    yield from node_service(PROXY, NAMESPACE, NodePort("proxy", PROXY_PORT, _PROXY))
    yield from node_service(
        f"{PREFIX}interceptor-metrics", NAMESPACE, NodePort("metrics", 2223, _METRICS), labels=SCRAPED
    )
    # The scaler asks each of its endpoints at the port of the Service: the two must be one.
    yield from node_service(ADMIN, NAMESPACE, NodePort("admin", _ADMIN, _ADMIN))
    yield from node_service(EXTERNAL_SCALER, NAMESPACE, NodePort("grpc", SCALER_PORT, _SCALER))


def _given(role: Object, user: str) -> Iterator[Object]:
    """A role under the chart's name for it, and its binding to who runs."""
    role["metadata"]["name"] = f"{PREFIX}{role['metadata']['name']}"
    yield role
    bound = addons.bind(role["metadata"]["name"], role["metadata"]["name"], user)
    if role["kind"] == "Role":
        bound["kind"], bound["roleRef"]["kind"] = "RoleBinding", "Role"
        bound["metadata"]["namespace"] = role["metadata"]["namespace"]
    yield bound


def _install(plan: Plan) -> None:
    release = Path(plan.binary(RELEASE))
    establish(Api.inside(), addons.definitions(release / "crd" / "bases"))
    apply_all(Api.inside(), objects(release))


def _components(plan: Plan) -> tuple[Component, ...]:
    return (
        Component(NAME, task(plan.python, NAME), after=(keda.OPERATOR,), task=True, expected=1, timeout=_INSTALL),
        _interceptor(plan),
        _scaler(plan),
        _operator(plan),
    )


def _interceptor(plan: Plan) -> Component:
    """Its times are the chart's: an HTTPScaledObject says its own in `timeouts`."""
    environment = {
        **_kubeconfig("interceptor"),
        "KEDA_HTTP_CURRENT_NAMESPACE": NAMESPACE,
        "KEDA_HTTP_PROXY_PORT": str(_PROXY),
        "KEDA_HTTP_ADMIN_PORT": str(_ADMIN),
        "OTEL_PROM_EXPORTER_PORT": str(_METRICS),
        "KEDA_CONDITION_WAIT_TIMEOUT": "20s",
        "KEDA_HTTP_ENDPOINTS_CACHE_POLLING_INTERVAL_MS": "250",
    }
    ready = probes.both(probes.tcp_accepts(LOCAL, _PROXY), probes.tcp_accepts(LOCAL, _ADMIN))
    return Component(INTERCEPTOR, (plan.binary(INTERCEPTOR), *_LOGGING), ready, (NAME, DNS), environment, expected=2)


def _scaler(plan: Plan) -> Component:
    environment = {
        **_kubeconfig("scaler"),
        "KEDA_HTTP_SCALER_PORT": str(_SCALER),
        "KEDA_HTTP_SCALER_TARGET_ADMIN_NAMESPACE": NAMESPACE,
        "KEDA_HTTP_SCALER_TARGET_ADMIN_SERVICE": ADMIN,
        "KEDA_HTTP_SCALER_TARGET_ADMIN_DEPLOYMENT": f"{PREFIX}interceptor",
        "KEDA_HTTP_SCALER_TARGET_ADMIN_PORT": str(_ADMIN),
        "KEDA_HTTP_SCALER_STREAM_INTERVAL_MS": "200",
    }
    ready = probes.tcp_accepts(LOCAL, _SCALER)
    return Component(SCALER, (plan.binary(SCALER), *_LOGGING), ready, (INTERCEPTOR,), environment, expected=2)


def _operator(plan: Plan) -> Component:
    environment = {
        **_kubeconfig("operator"),
        "KEDAHTTP_OPERATOR_EXTERNAL_SCALER_SERVICE": EXTERNAL_SCALER,
        "KEDAHTTP_OPERATOR_EXTERNAL_SCALER_PORT": str(SCALER_PORT),
        "KEDA_HTTP_OPERATOR_NAMESPACE": NAMESPACE,
        "KEDA_HTTP_OPERATOR_WATCH_NAMESPACE": "",
    }
    addresses = flags(
        metrics_bind_address=f"{LOCAL}:{_OPERATOR_METRICS}", health_probe_bind_address=f"{LOCAL}:{_OPERATOR_PROBE}"
    )
    command = (plan.binary(OPERATOR), *addresses, *_LOGGING)
    ready = probes.http_answers(LOCAL, _OPERATOR_PROBE, "/readyz")
    return Component(OPERATOR, command, ready, (SCALER,), environment, expected=2)


_LOGGING = flags(zap_log_level="info", zap_encoder="console", zap_time_encoding="rfc3339")


def _kubeconfig(name: str) -> dict[str, str]:
    return {"KUBECONFIG": str(kubeconfig(f"http-{name}"))}


EXTRA = Extra(
    NAME,
    needs=(keda.NAME,),
    binaries=(OPERATOR, SCALER, INTERCEPTOR, RELEASE),
    components=_components,
    tasks={NAME: _install},
    objects={
        NAME: (
            f"{KINDS}/httpscaledobjects.http.keda.sh",
            f"/api/v1/namespaces/{NAMESPACE}/services/{PROXY}",
            f"/api/v1/namespaces/{NAMESPACE}/services/{EXTERNAL_SCALER}",
        )
    },
)
