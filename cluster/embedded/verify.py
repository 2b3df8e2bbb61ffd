"""Whether the whole does its work, asked from the host as a user would. Imports cluster.embedded."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from cluster.embedded import addons, extras, probes
from cluster.embedded.api import Api, ApiError, condition
from cluster.embedded.components import control_plane, node, services
from cluster.embedded.layout import Network, Root
from cluster.embedded.plan import Plan
from cluster.embedded.ports import HOST


@dataclass(frozen=True)
class Problem:
    """What does not hold, and the component whose log may tell why."""

    what: str
    component: str


def problems(root: Root, plan: Plan) -> list[Problem]:
    """All that does not hold; empty when the cluster is whole."""
    api = Api.outside(root, plan.ports.api)
    questions = (
        (lambda: api.healthy(), "the API server is not ready", control_plane.API),
        (lambda: _is_true(api, f"/api/v1/nodes/{Network.NODE_NAME}", "Ready"), "the node is not Ready", node.KUBELET),
        (lambda: _imported(root, plan), "an image is not imported", node.IMAGES),
        (lambda: _has(api, _ACCOUNT), "the controllers made no service account yet", control_plane.CONTROLLERS),
        (lambda: _has(api, _STORAGE), f"there is no storage class {addons.STORAGE_CLASS}", services.ADDONS),
        (lambda: _has(api, _S3_SERVICE), "there is no Service s3", services.ADDONS),
        (lambda: _is_true(api, _GATEWAY, "Programmed"), "the Gateway is not programmed", services.GATEWAY_API),
        (lambda: _answers(plan.ports.gateway, 404), "the Gateway does not answer", services.GATEWAY),
        (lambda: _answers(plan.ports.s3, 200, "/models?list-type=2"), "S3 does not answer", services.S3),
        *_of_extras(api, plan),
    )
    return [Problem(what, component) for question, what, component in questions if not _holds(question)]


_STORAGE = f"/apis/storage.k8s.io/v1/storageclasses/{addons.STORAGE_CLASS}"
_ACCOUNT = f"/api/v1/namespaces/{addons.SYSTEM}/serviceaccounts/default"
_S3_SERVICE = f"/api/v1/namespaces/{addons.SYSTEM}/services/s3"
_GATEWAY = f"/apis/gateway.networking.k8s.io/v1/namespaces/{addons.SYSTEM}/gateways/{addons.GATEWAY}"


def _of_extras(api: Api, plan: Plan) -> Iterator[tuple[Callable[[], bool], str, str]]:
    for extra in map(extras.extra, plan.extras):
        for component, paths in extra.objects.items():
            for path in paths:
                yield partial(_has, api, path), f"an object of {extra.name} is gone: {path}", component


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except (ApiError, OSError, http.client.HTTPException):
        return False


def _imported(root: Root, plan: Plan) -> bool:
    return root.imported.read_text().split() == [image.digest for image in plan.images]


def _has(api: Api, path: str) -> bool:
    return api.get(path) is not None


def _is_true(api: Api, path: str, kind: str) -> bool:
    return condition(api.get(path), kind).get("status") == "True"


def _answers(port: int, status: int, path: str = "/") -> bool:
    return probes.http_answers(HOST, port, path, status=(status,))(0)
