"""An object that somebody else made. Wires only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components import kubernetes


class Existing(pulumi.CustomResource):
    """Read, never changed: `of` says whose it is. Without it a preview ends, and nothing was made.

    `identity` is its name, with its namespace and `/` before where it has one.
    """

    spec: pulumi.Output[Mapping[str, Any] | None] = pulumi.property("spec")
    data: pulumi.Output[Mapping[str, str] | None] = pulumi.property("data")

    def __init__(self, token: str, identity: str, of: str, opts: pulumi.ResourceOptions) -> None:
        pinned = pulumi.ResourceOptions(id=identity, version=kubernetes.PROVIDER_VERSION)
        outputs: dict[str, Any] = {"spec": None, "data": None}
        super().__init__(token, f"{identity} of {of}", outputs, pulumi.ResourceOptions.merge(opts, pinned))
