"""PrometheusRules: one of recording rules a team, one of alerts a stack. Pure; imports the plan and this package."""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels
from substrate.manifests.observability import alerts, errors, planned, records
from substrate.manifests.observability.series import Record
from substrate.plan.scaling import MonitoringPlan
from substrate.plan.types import NamespacePlan, StackPlan

# As often as metrics are read, so that what is recorded is no older than what was.
_INTERVAL = "15s"


def of_team(plan: StackPlan, namespace: NamespacePlan, monitoring: MonitoringPlan) -> dict[str, Any]:
    """Groups of a team's recording rules, evaluated beside one another."""
    return _object(
        f"substrate-{namespace.name}",
        monitoring,
        labels.of_team(namespace.team),
        [
            {
                "name": f"substrate.{namespace.name}.{group}",
                "interval": _INTERVAL,
                "rules": [record.rule() for record in recorded],
            }
            for group, recorded in recorded_of(plan, namespace.name).items()
            if recorded
        ],
    )


def recorded_of(plan: StackPlan, namespace: str) -> dict[str, list[Record]]:
    """What its plan says, its engines, its replicas, its failures, its GPUs where the stack has some."""
    door = plan.front_door.namespace if plan.front_door else None
    on_gpus = any(pool.gpu_resource for pool in plan.pools)
    return {
        "plan": of_plan(plan, namespace),
        "engines": list(records.of_engines(namespace)),
        "cluster": list(records.of_cluster(namespace)),
        "errors": list(errors.records(namespace, door)),
        "gpus": list(records.of_gpus(namespace)) if on_gpus else [],
    }


def of_plan(plan: StackPlan, namespace: str) -> list[Record]:
    servers = (server for server in plan.servers if server.namespace == namespace)
    claims = (claim for claim in plan.claims if claim.namespace == namespace)
    return [
        *(record for server in servers for record in planned.records(plan.name, server)),
        *(record for claim in claims for record in planned.of_staging(plan.name, claim)),
    ]


def of_stack(plan: StackPlan, monitoring: MonitoringPlan) -> dict[str, Any]:
    """All of its alerts."""
    nodes = [node for pool in plan.pools if pool.gpu_resource for node in pool.nodes]
    made = [alert.rule(plan.name, monitoring.runbooks) for alert in alerts.alerts(plan.name, nodes)]
    group = {"name": f"substrate.{plan.name}.alerts", "rules": made}
    return _object(f"substrate-{plan.name}-alerts", monitoring, labels.of_platform(), [group])


def _object(
    name: str, monitoring: MonitoringPlan, told: dict[str, str], groups: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "namespace": monitoring.namespace, "labels": {**told, **monitoring.labels}},
        "spec": {"groups": groups},
    }
