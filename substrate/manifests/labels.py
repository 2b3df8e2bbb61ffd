"""Labels and annotations, the one place that spells them. Imports the plan's types only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from substrate.plan.reach import pods_of
from substrate.plan.types import ModelPlan, ServerPlan, WeightsPlan

DOMAIN = "substrate.dev"


def selector(server: ServerPlan) -> dict[str, str]:
    """What a Service, a PDB and a Deployment select on: nothing that a foundation or a tier could change."""
    name, _ = pods_of(server)
    return {f"{DOMAIN}/{name}": server.name}


def stage_selector(server: ServerPlan, stage: str) -> dict[str, str]:
    """What selects a stage of a bento's pipeline, and never the pods that the model's own Service sends to."""
    return {f"{DOMAIN}/pipeline": server.name, f"{DOMAIN}/stage": stage}


def of_stage(server: ServerPlan, stage: str) -> dict[str, str]:
    """On every object of a stage, the entry aside, which is the model's own."""
    shared = {key: value for key, value in of_server(server).items() if key not in selector(server)}
    return {**shared, **stage_selector(server, stage)}


def of_model(server: ServerPlan, model: ModelPlan) -> dict[str, str]:
    """On what clients see of a model, whichever server it shares."""
    return {**of_server(server), "app.kubernetes.io/name": model.name, f"{DOMAIN}/model": model.name}


def of_server(server: ServerPlan) -> dict[str, str]:
    """On every object of a server, and so of the model that stands alone."""
    return {
        **selector(server),
        "app.kubernetes.io/name": server.name,
        "app.kubernetes.io/part-of": "substrate",
        f"{DOMAIN}/team": server.team,
        f"{DOMAIN}/tier": server.tier,
        f"{DOMAIN}/foundation": server.foundation,
        f"{DOMAIN}/engine": server.engine.name,
        f"{DOMAIN}/workload": workload(server),
    }


def workload(server: ServerPlan) -> str:
    """`llm` where a language model is served, `model` of any other kind: the latter may well scale on CPU."""
    return "llm" if any(model.endpoint == "openai" for model in server.models) else "model"


def of_platform() -> dict[str, str]:
    """On what belongs to the stack as a whole."""
    return {"app.kubernetes.io/part-of": "substrate"}


def front_door_selector() -> dict[str, str]:
    return {"app.kubernetes.io/name": "front-door"}


def of_front_door() -> dict[str, str]:
    """On its namespace and all in it: by these the teams' NetworkPolicies let it in."""
    return {**front_door_selector(), **of_platform(), **door_component()}


def door_component() -> dict[str, str]:
    return {"app.kubernetes.io/component": "front-door"}


def serves_models() -> dict[str, str]:
    """As a selector's expression: the pods of models of any kind."""
    return {"key": f"{DOMAIN}/workload", "operator": "Exists"}


def leads_to_models() -> dict[str, str]:
    return {f"{DOMAIN}/workload": "llm"}


def belongs_to_a_team() -> dict[str, str]:
    """As a selector's expression: the namespaces of teams."""
    return {"key": f"{DOMAIN}/team", "operator": "Exists"}


def monitoring() -> dict[str, str]:
    """On a namespace whose pods read the models' metrics."""
    return {f"{DOMAIN}/monitoring": "true"}


def client() -> dict[str, str]:
    """On a namespace whose pods ask the models by their Services, past the Gateway."""
    return {f"{DOMAIN}/client": "true"}


def of_team(team: str) -> dict[str, str]:
    return {**of_platform(), f"{DOMAIN}/team": team}


def stager_selector() -> dict[str, str]:
    return {"app.kubernetes.io/component": "stager"}


def of_stager(weights: WeightsPlan, team: str) -> dict[str, str]:
    """On what stages a model. Not the model's selector label: a Service must not send requests to a stager."""
    return {
        **of_team(team),
        "app.kubernetes.io/name": "stager",
        **stager_selector(),
        f"{DOMAIN}/stages": weights.model,
    }


def of_node(pool: str, accelerator: str) -> dict[str, str]:
    return {f"{DOMAIN}/pool": pool, f"{DOMAIN}/accelerator": accelerator}


def workload_annotations(server: ServerPlan) -> dict[str, str]:
    """The intent that policies read: the floor, the weights, the cold start's budget, its pool's GPUs."""
    return {
        f"{DOMAIN}/min-replicas": str(server.min_replicas),
        **digests(server),
        f"{DOMAIN}/cold-start-budget": f"{server.startup.budget:.0f}s",
        **exemptions(server.exemptions),
        f"{DOMAIN}/pool-gpus": str(len(server.pool.nodes) * server.pool.gpus_per_node),
        **permissions(server),
    }


def permissions(server: ServerPlan) -> dict[str, str]:
    """What somebody allowed by name, and where: nothing for most."""
    allowed = [f"models.{model.name}.permissions" for model in server.models if model.remote_code]
    return {f"{DOMAIN}/allow-remote-code": f"{', '.join(allowed)} of the stack file"} if allowed else {}


def exemptions(written: Mapping[str, str]) -> dict[str, str]:
    """From rules of the policy pack, as it reads them."""
    return {f"policy.{DOMAIN}/{rule}": why.removeprefix("until ") for rule, why in written.items()}


def pod_annotations(server: ServerPlan) -> dict[str, str]:
    """What a pod is made of, and where its engine's metrics are: the same three for every engine that has some."""
    return {**digests(server), **scraping(server)}


def scraping(server: ServerPlan) -> dict[str, str]:
    """The annotations by which Prometheus' usual configuration for pods finds what to scrape."""
    engine = server.engine
    if engine.metrics_path is None:
        return {}
    port = str(engine.metrics_port or engine.port)
    return {"prometheus.io/scrape": "true", "prometheus.io/port": port, "prometheus.io/path": engine.metrics_path}


def of_route(url: str, authenticated_by: str | None) -> dict[str, str]:
    """Where clients reach what a route leads to, and who asks them for a key first."""
    asked = {f"{DOMAIN}/authenticated-by": authenticated_by} if authenticated_by else {}
    return {f"{DOMAIN}/reached-at": url, **asked}


def revision(pods: Mapping[str, object]) -> dict[str, str]:
    """Made of what says how pods are: by it those of an update are known from the ones before."""
    text = json.dumps(pods, sort_keys=True)
    return {f"{DOMAIN}/revision": hashlib.sha256(text.encode()).hexdigest()[:12]}


def digests(server: ServerPlan) -> dict[str, str]:
    """What the server's models are made of, in their order; nothing where an image holds it."""
    found = [model.weights.digest for model in server.models if model.weights]
    return {f"{DOMAIN}/weights-digest": ",".join(found)} if found else {}
