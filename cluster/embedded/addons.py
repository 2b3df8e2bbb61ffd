"""The objects that a bare Kubernetes lacks, as plain values. Imports the standard library and pyyaml.

Every helper process has a role of its own, with no more than it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cluster.embedded.components import services
from cluster.embedded.layout import Network

Object = dict[str, Any]
SYSTEM = "substrate-system"
STORAGE_CLASS = "node-local"
GATEWAY_CLASS, GATEWAY = "traefik", "substrate"
READ = ("get", "list", "watch")
_RBAC = "rbac.authorization.k8s.io"
_GATEWAY_API = "gateway.networking.k8s.io"


def objects() -> list[Object]:
    """All that the helper processes need to start, in the order of their making."""
    return [namespace(), storage_class(), *roles(), *s3_service()]


def definitions(source: Path) -> Iterator[Object]:
    """The CustomResourceDefinitions in a file or folder of YAML; what else lies there, patches of them too, is not."""
    for file in [source] if source.is_file() else sorted(source.rglob("*.yaml")):
        for document in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader):
            if document and document.get("kind") == "CustomResourceDefinition" and "group" in document["spec"]:
                document.pop("status", None)
                yield document


def namespace() -> Object:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM, "labels": labels}}


def storage_class() -> Object:
    """Not the default class: a claim says which store it means."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": "substrate.dev/node-local",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Retain",
    }


def roles() -> list[Object]:
    return [
        bind("kube-apiserver-kubelet-client", "system:kubelet-api-admin", "kube-apiserver-kubelet-client"),
        *role(services.DNS, rule("", READ, "services", "pods", "namespaces"), _endpoints()),
        *role(services.PROVISIONER, *_provisioner_rules()),
        *role(services.KWOK, *_kwok_rules()),
        *role(services.GATEWAY, *_traefik_rules()),
    ]


def s3_service() -> list[Object]:
    return node_service("s3", SYSTEM, NodePort("http", Network.S3_PORT, Network.S3_PORT))


class NodePort(NamedTuple):
    """A port of a Service and the one of the node that it leads to."""

    name: str
    port: int
    target: int


def node_service(name: str, where: str, *ports: NodePort, labels: Mapping[str, str] | None = None) -> list[Object]:
    """A Service without a selector: its endpoint is the node, where a process of ours runs beside the pods."""
    own = dict(labels or {})
    metadata = {"name": name, "namespace": where, "labels": own}
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {**own, "kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": each.name, "port": each.target, "protocol": "TCP"} for each in ports],
        "endpoints": [{"addresses": [Network.NODE], "conditions": {"ready": True}}],
    }
    served = [{"name": each.name, "port": each.port, "targetPort": each.target, "protocol": "TCP"} for each in ports]
    return [{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": served}}, endpoints]


def gateway() -> list[Object]:
    listener = {
        "name": "http",
        "port": Network.GATEWAY_PORT,
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        {
            "apiVersion": f"{_GATEWAY_API}/v1",
            "kind": "GatewayClass",
            "metadata": {"name": GATEWAY_CLASS},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": f"{_GATEWAY_API}/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": SYSTEM},
            "spec": {"gatewayClassName": GATEWAY_CLASS, "listeners": [listener]},
        },
    ]


def _provisioner_rules() -> Sequence[Object]:
    return (
        rule("", (*READ, "create", "delete", "patch", "update"), "persistentvolumes"),
        rule("", (*READ, "update", "patch"), "persistentvolumeclaims"),
        rule("", READ, "nodes"),
        rule("", ("create", "patch", "update"), "events"),
        rule("storage.k8s.io", READ, "storageclasses", "csinodes", "volumeattachments", "volumeattributesclasses"),
    )


def _kwok_rules() -> Sequence[Object]:
    return (
        rule("", READ, "nodes"),
        rule("", ("patch", "update"), "nodes/status", "pods/status"),
        rule("", (*READ, "delete", "patch", "update"), "pods"),
        rule("", ("create", "patch", "update"), "events"),
        rule("coordination.k8s.io", (*READ, "create", "patch", "update"), "leases"),
    )


def _traefik_rules() -> Sequence[Object]:
    routes = ("httproutes", "grpcroutes", "tcproutes", "tlsroutes")
    kinds = ("gatewayclasses", "gateways", *routes, "referencegrants", "backendtlspolicies", "listenersets")
    with_status = ("gatewayclasses", "gateways", *routes, "backendtlspolicies", "listenersets")
    return (
        rule("", READ, "namespaces", "services", "secrets", "configmaps", "nodes"),
        _endpoints(),
        rule(_GATEWAY_API, READ, *kinds),
        rule(_GATEWAY_API, ("update", "patch"), *(f"{kind}/status" for kind in with_status)),
    )


def _endpoints() -> Object:
    return rule("discovery.k8s.io", READ, "endpointslices")


def rule(group: str, verbs: Sequence[str], *resources: str) -> Object:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def role(helper: str, *rules: Mapping[str, Any]) -> list[Object]:
    """A role for the certificate that `pki` makes for a helper process, and its binding."""
    name = f"substrate:{helper}"
    made = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}
    return [made, bind(name, name, name)]


def bind(name: str, role: str, user: str) -> Object:
    """A ClusterRole given to whoever the certificate of `user` names."""
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
    }
