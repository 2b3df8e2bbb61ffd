"""What things are called inside the cluster. Pure; imports the plan's types."""

from __future__ import annotations

from substrate.facts.kserve import LLM_INFERENCE_SERVICE, PREDICTOR
from substrate.plan.types import ServerPlan

SERVICE_PORT = 80  # of every model's Service


def pods_of(server: ServerPlan, part: str = PREDICTOR) -> tuple[str, str]:
    """The label `substrate.dev/<name>`, and its value, on the pods of one part of a server, and on no others'.

    A part of KServe's by name; elsewhere there is one. Behind a transformer, which clients reach in its place, a part
    has a value of its own: no model's name holds a dot.
    """
    name = "model" if server.implied else "server"
    behind = server.kserve is not None and part != server.kserve.entry
    return name, f"{server.name}.{part}" if behind else server.name


def workload_of(server: ServerPlan) -> str:
    """The Deployment of a server's engine. KServe makes its own, named by what it is told."""
    name = f"{server.name}-{server.foundation}"
    if server.kserve is None:
        return name
    llm = server.kserve.resource == LLM_INFERENCE_SERVICE
    return f"{name}-kserve" if llm else f"{name}-{PREDICTOR}"


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
