"""Kubernetes objects as the rules see them, from whatever resource carries them. Imports `plain` only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from policies.resources.plain import Object, Unknown, dig, mapping, mappings, plain, text

# A Secret's data must not even be copied, and no rule reads one.
NOT_READ = frozenset({"Secret", "SecretPatch"})
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True)
class KubernetesObject:
    """One object: `body` is its manifest (or its live state), `patch` marks a server-side-apply patch of fields."""

    api_version: str
    kind: str
    body: Object = field(repr=False)
    urn: str = ""
    patch: bool = False

    @property
    def group(self) -> str:
        """The API group, empty for core."""
        return self.api_version.rpartition("/")[0]

    @property
    def labels(self) -> Object:
        return mapping(dig(self.body, "metadata", "labels"))

    @property
    def annotations(self) -> Object:
        return mapping(dig(self.body, "metadata", "annotations"))

    @property
    def spec(self) -> Object:
        return mapping(self.body.get("spec"))

    @property
    def name(self) -> str | None:
        """metadata.name. Raises UnknownValueError."""
        return text(dig(self.body, "metadata", "name"))

    @property
    def namespace(self) -> str:
        """metadata.namespace, or where the API puts an object without one. Raises UnknownValueError."""
        return text(dig(self.body, "metadata", "namespace")) or DEFAULT_NAMESPACE

    def __str__(self) -> str:
        """`Deployment ml/vllm`, for messages: never raises, an unknown name falls back to the resource's own."""
        metadata = self.body.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        name, namespace = metadata.get("name"), metadata.get("namespace")
        shown = name if isinstance(name, str) else self.urn.rpartition("::")[2] or "(unnamed)"
        return f"{self.kind} {namespace}/{shown}" if isinstance(namespace, str) else f"{self.kind} {shown}"


def objects_of(
    resource_type: str, properties: Any, urn: str = "", unknown: tuple[type[Exception], ...] = ()
) -> Iterator[KubernetesObject]:
    """The objects in a resource: one, the items of a `List`, or none where it is no Kubernetes object.

    `resource_type` is Pulumi's token, `kubernetes:apps/v1:Deployment`; apiVersion and kind of the properties win.
    `unknown` as for `plain`.
    """
    kind, api_version = _token(resource_type)
    if kind in NOT_READ:
        return
    body = plain(properties, unknown)
    patch = kind.endswith("Patch") and resource_type.startswith("kubernetes:")
    yield from _expand(body, api_version, kind.removesuffix("Patch") if patch else kind, urn, patch)


def _expand(body: Any, api_version: str, kind: str, urn: str, patch: bool) -> Iterator[KubernetesObject]:
    if not isinstance(body, dict):
        return
    api_version = _own(body, "apiVersion") or api_version
    kind = _own(body, "kind") or kind
    if not kind or not api_version or kind in NOT_READ:
        return
    if kind.endswith("List") and isinstance(body.get("items"), list):
        for item in mappings(body["items"]):
            yield from _expand(item, api_version, kind.removesuffix("List"), urn, patch)
        return
    yield KubernetesObject(api_version, kind, body, urn, patch)


def _own(body: Object, key: str) -> str | None:
    value = body.get(key)
    return None if isinstance(value, Unknown) else text(value)


def _token(resource_type: str) -> tuple[str, str]:
    """(kind, apiVersion) that a token of the Kubernetes provider names; empty for every other one."""
    package, _, rest = resource_type.partition(":")
    if package != "kubernetes" or ":" not in rest:
        return "", ""
    group_version, _, kind = rest.rpartition(":")
    return kind, group_version.removeprefix("core/")
