"""BentoML's objects: a Deployment, and for a pipeline a Deployment, Service and policy for each stage. Pure.

Sources: docs/decisions/bentoml.md, seen with BentoML 1.4.40.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from substrate.facts.bentoml import LIVE
from substrate.manifests import labels, pods, serving
from substrate.plan.types import BentoPlan, ServerPlan, StagePlan


def deployment(server: ServerPlan, bento: BentoPlan) -> dict[str, Any]:
    """The bento, or its entry: the plain Deployment with BentoML's probes, run by the user of its image."""
    made = serving.deployment(server)
    template = made["spec"]["template"]
    (container,) = template["spec"]["containers"]
    pod = {**template["spec"], "containers": [with_probes(container)], "securityContext": security(bento)}
    return {**made, "spec": {**made["spec"], "template": {**template, "spec": pod}}}


def with_probes(container: dict[str, Any]) -> dict[str, Any]:
    """A server that lives but is not ready, as while it drains, must not be ended for it."""
    probe = container["livenessProbe"]
    return {**container, "livenessProbe": {**probe, "httpGet": {**probe["httpGet"], "path": LIVE}}}


def security(bento: BentoPlan) -> dict[str, Any]:
    if bento.user is None:
        return pods.POD_SECURITY
    return {**pods.POD_SECURITY, "runAsUser": bento.user, "runAsGroup": bento.user, "fsGroup": bento.user}


def stage_objects(server: ServerPlan, bento: BentoPlan) -> list[dict[str, Any]]:
    """Everything that a pipeline has beside its entry."""
    makers = (stage_policy, stage_service, stage_budget)
    return [
        made
        for stage in bento.stages
        for made in (*(make(server, stage) for make in makers), stage_deployment(server, bento, stage))
    ]


def stage_deployment(server: ServerPlan, bento: BentoPlan, stage: StagePlan) -> dict[str, Any]:
    """The entry's Deployment with the stage's arguments and size, and labels that no Service of a model selects."""
    engine = replace(server.engine, args=stage.args)
    # What clients ask is logged at the entry; between stages BentoML sends pickles.
    sized = replace(server, engine=engine, resources=stage.resources, min_replicas=stage.replicas)
    # The entry's scaler: of what waits before a stage BentoML tells nothing.
    alone = replace(sized, logging=None, scaling=None)
    made = deployment(alone, bento)
    template = made["spec"]["template"]
    spread = pods.spread(labels.stage_selector(server, stage.stage))
    return {
        **made,
        "metadata": {**made["metadata"], **metadata(server, stage)},
        "spec": {
            **made["spec"],
            "selector": {"matchLabels": labels.stage_selector(server, stage.stage)},
            "template": {
                "metadata": {**template["metadata"], "labels": labels.of_stage(server, stage.stage)},
                "spec": {**template["spec"], "topologySpreadConstraints": [spread]},
            },
        },
    }


def metadata(server: ServerPlan, stage: StagePlan) -> dict[str, Any]:
    return {"name": stage.name, "namespace": server.namespace, "labels": labels.of_stage(server, stage.stage)}


def stage_service(server: ServerPlan, stage: StagePlan) -> dict[str, Any]:
    """Where the other stages find it: on BentoML's own port, as `--depends` says it."""
    port = {"name": "http", "port": server.engine.port, "targetPort": "http", "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata(server, stage), "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {"type": "ClusterIP", "selector": labels.stage_selector(server, stage.stage), "ports": [port]},
    }


def stage_budget(server: ServerPlan, stage: StagePlan) -> dict[str, Any]:
    """As the model's own: one replica at a time, and a drain ends."""
    return pods.disruption_budget(metadata(server, stage), labels.stage_selector(server, stage.stage))


def stage_policy(server: ServerPlan, stage: StagePlan) -> dict[str, Any]:
    """Who asks a stage reaches it and nobody else: it unpickles whatever it is sent, so it would run their code."""
    askers = [labels.selector(server)] if stage.asked_by_entry else []
    askers += [labels.stage_selector(server, other) for other in stage.asked_by]
    port = {"protocol": "TCP", "port": server.engine.port}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(server, stage),
        "spec": {
            "podSelector": {"matchLabels": labels.stage_selector(server, stage.stage)},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": asker}} for asker in askers], "ports": [port]}],
        },
    }
