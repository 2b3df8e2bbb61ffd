"""The wiring that foundations with a Deployment of their own share. Imports the manifests' builders."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import serving
from substrate.plan import ServerPlan


def deploy(parent: pulumi.Resource, server: ServerPlan, opts: pulumi.ResourceOptions | None) -> pulumi.Resource:
    """The server's Deployment after what it reads, awaited for as long as its cold start may take."""
    child = kubernetes.waiting(kubernetes.children(parent, opts), server.startup.progress_deadline + server.grace)
    config = [kubernetes.create(manifest, child) for manifest in serving.config_maps(server)]
    return kubernetes.create(serving.deployment(server), kubernetes.after(child, *config))
