"""What things are called inside the cluster. Pure; imports the plan's types."""

from __future__ import annotations

from substrate.plan.types import ServerPlan

SERVICE_PORT = 80  # of every model's Service


def cluster_host(service: str, namespace: str) -> str:
    """A Service's whole name: with a shorter one, every look-up tries the search path's names first."""
    return f"{service}.{namespace}.svc.cluster.local"


def part_of(server: ServerPlan, part: str) -> str:
    """The Service that KServe makes of one part of a server's InferenceService."""
    return f"{server.name}-{server.foundation}-{part}"


def knative_host(server: ServerPlan, part: str | None = None) -> str:
    """The host that Knative's gateway knows a server's part by; without one, that which clients reach."""
    entry = server.kserve.entry if server.kserve else ""
    return cluster_host(part_of(server, part or entry), server.namespace)
