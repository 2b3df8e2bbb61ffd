"""What observes a stack: monitors, rules, dashboards. Pure; imports the plan's types and this package.

`readers` and `judges` are all of it, as objects. Grafana's library is imported where dashboards are asked for, and
nowhere else.
"""

from __future__ import annotations

from typing import Any

from substrate.manifests import labels
from substrate.manifests.observability import dashboards, monitors, rules
from substrate.plan.scaling import MonitoringPlan
from substrate.plan.types import StackPlan


def readers(plan: StackPlan, monitoring: MonitoringPlan) -> list[dict[str, Any]]:
    """What reads the metrics of the models, of what logs before them, and of the front door."""
    door = [monitors.of_front_door(plan.front_door, monitoring)] if plan.front_door else []
    logged = {server.namespace for server in plan.servers if server.logging}
    of_teams = (monitors.of_team(team, monitoring, team.name in logged) for team in plan.namespaces)
    return [*(each for team in of_teams for each in team), *door]


def judges(plan: StackPlan, monitoring: MonitoringPlan) -> list[dict[str, Any]]:
    """What is recorded of each team, the alerts, and the dashboards where they are wanted."""
    recorded = (rules.of_team(plan, namespace, monitoring) for namespace in plan.namespaces)
    drawn = dashboard_maps(plan.name, monitoring) if monitoring.dashboards else []
    return [*recorded, rules.of_stack(plan, monitoring), *drawn]


def dashboard_maps(stack: str, monitoring: MonitoringPlan) -> list[dict[str, Any]]:
    """ConfigMaps as the sidecar of Grafana's chart finds them."""
    from substrate.manifests.observability.dashboards import grafana

    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"substrate-{stack}-{board.name}",
                "namespace": monitoring.namespace,
                "labels": {**labels.of_platform(), "grafana_dashboard": "1"},
            },
            "data": {f"substrate-{stack}-{board.name}.json": grafana.text(board, stack)},
        }
        for board in dashboards.boards(stack)
    ]
