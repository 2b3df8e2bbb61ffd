"""The objects that a bare Kubernetes lacks, as plain values. Imports the standard library and pyyaml.

Every helper process has a role of its own, with no more than it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from cluster.embedded.components import services
from cluster.embedded.layout import Network

Object = dict[str, Any]
SYSTEM = "substrate-system"
STORAGE_CLASS = "node-local"
GATEWAY_CLASS, GATEWAY = "traefik", "substrate"
_READ = ("get", "list", "watch")
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
        _bind("kube-apiserver-kubelet-client", "system:kubelet-api-admin", "kube-apiserver-kubelet-client"),
        *_role(services.DNS, _rule("", _READ, "services", "pods", "namespaces"), _endpoints()),
        *_role(services.PROVISIONER, *_provisioner_rules()),
        *_role(services.KWOK, *_kwok_rules()),
        *_role(services.GATEWAY, *_traefik_rules()),
    ]


def s3_service() -> list[Object]:
    """A Service without a selector: its endpoint is the node, where SeaweedFS runs beside the pods."""
    port = {"name": "http", "port": Network.S3_PORT, "protocol": "TCP"}
    metadata = {"name": "s3", "namespace": SYSTEM}
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": "s3"}},
        "addressType": "IPv4",
        "ports": [port],
        "endpoints": [{"addresses": [Network.NODE], "conditions": {"ready": True}}],
    }
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [port]}}
    return [service, {**endpoints, "ports": [{key: port[key] for key in ("name", "port", "protocol")}]}]


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
        _rule("", (*_READ, "create", "delete", "patch", "update"), "persistentvolumes"),
        _rule("", (*_READ, "update", "patch"), "persistentvolumeclaims"),
        _rule("", _READ, "nodes"),
        _rule("", ("create", "patch", "update"), "events"),
        _rule("storage.k8s.io", _READ, "storageclasses", "csinodes", "volumeattachments", "volumeattributesclasses"),
    )


def _kwok_rules() -> Sequence[Object]:
    return (
        _rule("", _READ, "nodes"),
        _rule("", ("patch", "update"), "nodes/status", "pods/status"),
        _rule("", (*_READ, "delete", "patch", "update"), "pods"),
        _rule("", ("create", "patch", "update"), "events"),
        _rule("coordination.k8s.io", (*_READ, "create", "patch", "update"), "leases"),
    )


def _traefik_rules() -> Sequence[Object]:
    routes = ("httproutes", "grpcroutes", "tcproutes", "tlsroutes")
    kinds = ("gatewayclasses", "gateways", *routes, "referencegrants", "backendtlspolicies", "listenersets")
    with_status = ("gatewayclasses", "gateways", *routes, "backendtlspolicies", "listenersets")
    return (
        _rule("", _READ, "namespaces", "services", "secrets", "configmaps", "nodes"),
        _endpoints(),
        _rule(_GATEWAY_API, _READ, *kinds),
        _rule(_GATEWAY_API, ("update", "patch"), *(f"{kind}/status" for kind in with_status)),
    )


def _endpoints() -> Object:
    return _rule("discovery.k8s.io", _READ, "endpointslices")


def _rule(group: str, verbs: Sequence[str], *resources: str) -> Object:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _role(helper: str, *rules: Mapping[str, Any]) -> list[Object]:
    """A role for the certificate that `pki` makes for a helper process, and its binding."""
    name = f"substrate:{helper}"
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}
    return [role, _bind(name, name, name)]


def _bind(name: str, role: str, user: str) -> Object:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
    }
