"""KServe's real controller beside the cluster's own processes, and Knative's definitions. Imports cluster.embedded.

The objects are the release's own (charts/kserve-resources/files); what is changed is said at each place. Knative's
controllers do not run: what KServe asks of Knative is made and can be looked at, and no pod comes of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cluster import images
from cluster.embedded import addons, files, probes
from cluster.embedded.components.component import Component, flags, task
from cluster.embedded.components.control_plane import API
from cluster.embedded.components.services import ADDONS
from cluster.embedded.definitions import KINDS, apply_all, establish
from cluster.embedded.extras.extra import Extra
from cluster.embedded.extras.release import LOCAL, documents, patient_api
from cluster.embedded.layout import Inside
from cluster.embedded.plan import Plan

NAMESPACE, KNATIVE_NAMESPACE = "kserve", "knative-serving"
MANAGER, CRDS, RESOURCES, KNATIVE = "kserve-manager", "kserve-crds", "kserve-resources", "knative-serving"
VERSION = "v0.19.0"
_INSTALL = 600.0  # seconds
TEMPORARY = Inside.STATE / "kserve"
# Not for a process beside the cluster: its certificate is ours, and nothing calls it by a Service.
LEFT_OUT = ("Certificate", "Issuer", "Secret", "Service")
_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"
# What Substrate's pods need of Knative, and what its documentation says to switch on for them.
_FEATURES = ("nodeselector", "persistent-volume-claim", "securitycontext", "tolerations")


class Ports(NamedTuple):
    """What a controller listens on, of the node's loopback."""

    webhook: int
    metrics: int
    probe: int


_PORTS = Ports(webhook=9443, metrics=9444, probe=9445)


def objects(resources: Path, authority: bytes) -> Iterator[addons.Object]:
    """All that the controller needs, in the order of its making; `authority` is the PEM that signed its webhook."""
    for name in (NAMESPACE, KNATIVE_NAMESPACE):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    yield from (_features(), _autoscaler())
    yield settings(_one(resources / "common" / "configmap.yaml"))
    for item in documents(resources / "kserve" / "resources.yaml"):
        if item["kind"] not in LEFT_OUT:
            yield adapted(item, authority, _PORTS.webhook, "kserve/kserve-controller")


def settings(config: addons.Object) -> addons.Object:
    """KServe's settings for a cluster whose routes are Gateway API's and Substrate's own."""
    data = {key: value for key, value in config["data"].items() if key != "_example"}
    deploy, ingress = json.loads(data["deploy"]), json.loads(data["ingress"])
    deploy["defaultDeploymentMode"] = "Standard"
    ingress |= {"disableIngressCreation": True, "disableIstioVirtualHost": True}
    # Put into pods that log payloads; there only with the extra `payload-logging`.
    agent = json.loads(data["agent"]) | {"image": images.reference("kserve-agent")}
    changed = {"deploy": json.dumps(deploy), "ingress": json.dumps(ingress), "agent": json.dumps(agent)}
    metadata = {"name": config["metadata"]["name"], "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {**data, **changed}}


def _features() -> addons.Object:
    metadata = {"name": "config-features", "namespace": KNATIVE_NAMESPACE}
    data = {f"kubernetes.podspec-{name}": "enabled" for name in _FEATURES}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _autoscaler() -> addons.Object:
    """KServe reads it; without a word in it, Knative's own defaults hold."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-autoscaler", "namespace": KNATIVE_NAMESPACE},
    }


def adapted(item: addons.Object, authority: bytes, port: int, image: str) -> addons.Object:
    """An object of a controller that runs as a process: its webhooks listen at `port`, its Deployment has no pods."""
    if item["kind"] == "Deployment":
        return _deployment(item, image)
    for webhook in item.get("webhooks", ()):
        client = webhook["clientConfig"]
        path = client.pop("service")["path"]
        client["url"] = f"https://{LOCAL}:{port}{path}"
        client["caBundle"] = base64.b64encode(authority).decode()
    return item


def _deployment(item: addons.Object, image: str) -> addons.Object:
    """It stays as the record of which version is installed."""
    item["spec"]["replicas"] = 0
    manager = next(each for each in item["spec"]["template"]["spec"]["containers"] if each["name"] == "manager")
    manager["image"] = f"{image}:{VERSION}"
    return item


def _one(file: Path) -> dict[str, Any]:
    return next(documents(file))


def _install(plan: Plan) -> None:
    """Definitions first, then what uses them; the webhook's certificate where the controller looks for it."""
    api = patient_api()
    sources = (Path(plan.binary(CRDS)), Path(plan.binary(KNATIVE)) / "300-resources")
    establish(api, [item for source in sources for item in addons.definitions(source)])
    apply_all(api, objects(Path(plan.binary(RESOURCES)), (Inside.PKI / "ca.crt").read_bytes()))
    certificates = TEMPORARY / "k8s-webhook-server" / "serving-certs"
    certificates.mkdir(parents=True, exist_ok=True)
    for ours, theirs in (("kserve-webhook.crt", "tls.crt"), ("kserve-webhook.key", "tls.key")):
        files.write(certificates / theirs, (Inside.PKI / ours).read_text(), mode=0o600)


def controller(plan: Plan, name: str, ports: Ports, after: str) -> Component:
    """One of KServe's controllers as a process: all are told the same things by the same flags."""
    options = flags(
        metrics_addr=f"{LOCAL}:{ports.metrics}",
        webhook_port=ports.webhook,
        health_probe_addr=f"{LOCAL}:{ports.probe}",
        kubeconfig=Inside.PKI / f"{name}.kubeconfig",
    )
    environment = {"POD_NAMESPACE": NAMESPACE, "TMPDIR": str(TEMPORARY)}
    ready = probes.http_answers(LOCAL, ports.probe, "/readyz")
    return Component(name, (plan.binary(name), *options), ready, (after,), environment, expected=5)


def _components(plan: Plan) -> tuple[Component, ...]:
    return (
        Component("kserve", task(plan.python, "kserve"), after=(API, ADDONS), task=True, expected=6, timeout=_INSTALL),
        controller(plan, MANAGER, _PORTS, "kserve"),
    )


EXTRA = Extra(
    "kserve",
    binaries=(MANAGER, CRDS, RESOURCES, KNATIVE),
    components=_components,
    tasks={"kserve": _install},
    objects={
        "kserve": (
            f"{KINDS}/inferenceservices.serving.kserve.io",
            f"{KINDS}/clusterservingruntimes.serving.kserve.io",
            f"{KINDS}/services.serving.knative.dev",
            f"{_WEBHOOKS}/mutatingwebhookconfigurations/inferenceservice.serving.kserve.io",
            f"{_WEBHOOKS}/validatingwebhookconfigurations/inferenceservice.serving.kserve.io",
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/kserve-controller-manager",
            f"/api/v1/namespaces/{NAMESPACE}/configmaps/inferenceservice-config",
            f"/api/v1/namespaces/{KNATIVE_NAMESPACE}/configmaps/config-features",
        )
    },
)
