"""The one boundary from plain manifests and plans to Pulumi resources. Imports pulumi only.

The typed classes of pulumi-kubernetes cost 0.2 s of import for `core/v1` alone and check nothing at run time; the
provider checks every object against the cluster's own schema whichever way it is registered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from typing import Any

import pulumi
from pydantic.alias_generators import to_camel

from substrate.values import Duration

PROVIDER_VERSION = version("pulumi-kubernetes")
# An object gives up at its own deadline first, with its reason; this only bounds the wait for that word.
AFTER_DEADLINE = Duration(60)


def token(manifest: Mapping[str, Any]) -> str:
    """Pulumi's type of an object: `kubernetes:apps/v1:Deployment`, `kubernetes:core/v1:Service`."""
    api = manifest["apiVersion"]
    return f"kubernetes:{api if '/' in api else f'core/{api}'}:{manifest['kind']}"


def object_name(manifest: Mapping[str, Any]) -> str:
    """The Pulumi name: `namespace/name`, which is what a person at `kubectl` would type."""
    metadata = manifest["metadata"]
    return "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)


def create(manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register an object as it stands; nothing in it is computed here."""
    pinned = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(version=PROVIDER_VERSION))
    return pulumi.CustomResource(token(manifest), object_name(manifest), dict(manifest), pinned)


def children(parent: pulumi.Resource, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Options for a component's children. What the component waits for, they wait for: Pulumi does not hand it down."""
    return pulumi.ResourceOptions(parent=parent, depends_on=opts.depends_on if opts else None)


def after(base: pulumi.ResourceOptions, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(depends_on=list(resources)))


def waiting(base: pulumi.ResourceOptions, deadline: float) -> pulumi.ResourceOptions:
    """Wait until the object's own deadline (seconds) has passed, in place of the provider's ten minutes."""
    seconds = f"{deadline + AFTER_DEADLINE:.0f}s"
    timeouts = pulumi.CustomTimeouts(create=seconds, update=seconds)
    return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(custom_timeouts=timeouts))


def made_anew(base: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Any change of the spec is a new object: a Job's fields cannot be changed, and the provider knows only of some."""
    replaced = pulumi.ResourceOptions(replace_on_changes=["spec"], delete_before_replace=True)
    return pulumi.ResourceOptions.merge(base, replaced)


def kept(base: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Left in the cluster when the stack lets go of it, and taken over when it returns."""
    return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(retain_on_delete=True))


def properties(plan: Any) -> Any:
    """A plan as plain camelCase data: what a component passes up, so that a policy sees the intent."""
    if is_dataclass(plan):
        return {to_camel(field.name): properties(getattr(plan, field.name)) for field in fields(plan)}
    if isinstance(plan, Mapping):
        return {key: properties(value) for key, value in plan.items()}
    if isinstance(plan, Sequence) and not isinstance(plan, str):
        return [properties(value) for value in plan]
    return _plain(plan)


def _plain(value: Any) -> Any:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
