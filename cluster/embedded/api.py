"""The few calls to the API server that starting a cluster needs: read, and server-side apply. Standard library only."""

from __future__ import annotations

import functools
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cluster.embedded.layout import Inside, Network, Root
from cluster.embedded.ports import HOST

Object = Mapping[str, Any]
FIELD_MANAGER = "substrate-cluster"


class ApiError(Exception):
    """The API server refused: the status, and its message."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"the API server says {status}: {message}")


@dataclass(frozen=True)
class Api:
    """The API server at `host:port`, called with the certificate of `identity` from the folder `pki`."""

    host: str
    port: int
    pki: Path
    timeout: float = 10.0
    identity: str = "admin"

    @classmethod
    def inside(cls, identity: str = "admin") -> Api:
        """For processes in the cluster's namespaces."""
        return cls(Network.NODE, Network.API_PORT, Inside.PKI, identity=identity)

    @classmethod
    def outside(cls, root: Root, port: int) -> Api:
        """For processes on the host."""
        return cls(HOST, port, root.pki)

    def get(self, path: str) -> dict[str, Any] | None:
        """The object or list at `path`; None where there is none. Raises ApiError and OSError."""
        try:
            return dict(json.loads(self._call("GET", path)))
        except ApiError as error:
            if error.status == http.HTTPStatus.NOT_FOUND:
                return None
            raise

    def healthy(self, path: str = "/readyz") -> bool:
        """Whether a health path answers 200."""
        try:
            self._call("GET", path)
        except (ApiError, OSError, http.client.HTTPException):
            return False
        return True

    def apply(self, item: Object) -> None:
        """Create or bring in line, owning the fields that `item` names. Raises ApiError and OSError."""
        query = f"?fieldManager={FIELD_MANAGER}&force=true"
        content = {"Content-Type": "application/apply-patch+yaml"}
        self._call("PATCH", self.path(item) + query, json.dumps(item), content)

    def path(self, item: Object) -> str:
        """Where an object lives, by the server's own discovery."""
        version, name = item["apiVersion"], item["metadata"]["name"]
        resource = self._resource(version, item["kind"])
        namespace = item["metadata"].get("namespace", "default")
        scope = f"/namespaces/{quote(namespace)}" if resource["namespaced"] else ""
        return f"{_group(version)}{scope}/{resource['name']}/{quote(name)}"

    def _resource(self, version: str, kind: str) -> dict[str, Any]:
        found = _discovered(self, version) or {}
        for resource in found.get("resources", []):
            if resource["kind"] == kind and "/" not in resource["name"]:
                return dict(resource)
        raise ApiError(http.HTTPStatus.NOT_FOUND, f"there is no kind {kind} in {version}")

    def _call(self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> bytes:
        context = _context(self.pki, self.identity)
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=context)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            raise ApiError(answer.status, _message(content))
        return content


def condition(item: Object | None, kind: str) -> dict[str, Any]:
    """The condition of that type in an object's status; empty where there is none."""
    conditions = (item or {}).get("status", {}).get("conditions") or []  # null in a definition of this moment
    return next((dict(one) for one in conditions if one["type"] == kind), {})


def _group(version: str) -> str:
    return f"/api/{version}" if "/" not in version else f"/apis/{version}"


@functools.lru_cache
def _discovered(api: Api, version: str) -> dict[str, Any] | None:
    return api.get(_group(version))


@functools.lru_cache
def _context(pki: Path, identity: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / f"{identity}.crt", pki / f"{identity}.key")
    return context


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:300]
