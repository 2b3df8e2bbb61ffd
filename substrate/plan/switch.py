"""A model's move from one foundation to another, against the room that its pool has. Pure; imports the plan's types.

Pulumi creates before it deletes: on a pool without a spare GPU the new workload would wait for ever for the old one's.
"""

from __future__ import annotations

from collections.abc import Mapping

from substrate.plan.types import ServerPlan, StackPlan


def refusals(plan: StackPlan, before: Mapping[str, str]) -> list[str]:
    """What speaks against the moves from the foundations `before`, each with the ways out; empty when all may go on."""
    return [
        refusal(server, before[server.name])
        for server in plan.servers
        if before.get(server.name, server.foundation) != server.foundation and not may_switch(server)
    ]


def may_switch(server: ServerPlan) -> bool:
    return server.downtime_allowed or has_room_for_both(server)


def has_room_for_both(server: ServerPlan) -> bool:
    """Whether the pool can hold the new workload while the old one still answers."""
    return server.rollout.spare_replicas >= server.min_replicas


def awaited(server: ServerPlan) -> bool:
    """Whether an update waits for the workload; where only its predecessor's end makes room, that would be for ever."""
    return has_room_for_both(server) or not server.downtime_allowed


def refusal(server: ServerPlan, before: str) -> str:
    away = server.startup.expected + server.grace
    spare, needed = server.rollout.spare_replicas, server.min_replicas
    return (
        f"model {server.name} moves from {before} to {server.foundation}; its pool {server.pool.name} has room for "
        f"{spare} of the {needed} replicas that the new one needs while the old one still runs.\n"
        f"  fix: write `downtime: allow` in its block (away for about {away:.0f} s then), or make room in the pool"
    )
