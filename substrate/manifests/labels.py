"""Labels and annotations, the one place that spells them. Imports the plan's types only."""

from __future__ import annotations

from substrate.plan.types import ServerPlan, WeightsPlan

DOMAIN = "substrate.dev"


def selector(model: str) -> dict[str, str]:
    """What a Service, a PDB and a Deployment select on: nothing that a foundation or a tier could change."""
    return {f"{DOMAIN}/model": model}


def of_server(server: ServerPlan) -> dict[str, str]:
    """On every object of a model."""
    return {
        **selector(server.name),
        "app.kubernetes.io/name": server.name,
        "app.kubernetes.io/part-of": "substrate",
        f"{DOMAIN}/team": server.team,
        f"{DOMAIN}/tier": server.tier,
        f"{DOMAIN}/foundation": server.foundation,
        f"{DOMAIN}/engine": server.engine.name,
        f"{DOMAIN}/workload": "llm",
    }


def of_team(team: str) -> dict[str, str]:
    return {"app.kubernetes.io/part-of": "substrate", f"{DOMAIN}/team": team}


def of_stager(weights: WeightsPlan, team: str) -> dict[str, str]:
    """On what stages a model. Not the model's selector label: a Service must not send requests to a stager."""
    return {
        **of_team(team),
        "app.kubernetes.io/name": "stager",
        "app.kubernetes.io/component": "stager",
        f"{DOMAIN}/stages": weights.model,
    }


def of_node(pool: str, accelerator: str) -> dict[str, str]:
    return {f"{DOMAIN}/pool": pool, f"{DOMAIN}/accelerator": accelerator}


def workload_annotations(server: ServerPlan) -> dict[str, str]:
    """The intent that policies read: the floor, the weights, the cold start's budget."""
    return {
        f"{DOMAIN}/min-replicas": str(server.min_replicas),
        f"{DOMAIN}/weights-digest": server.model.weights.digest,
        f"{DOMAIN}/cold-start-budget": f"{server.startup.budget:.0f}s",
    }
