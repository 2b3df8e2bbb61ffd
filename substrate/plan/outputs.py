"""What a stack tells its users and its next update. Pure; imports the plan's types."""

from __future__ import annotations

from collections.abc import Mapping

from substrate.plan.types import StackPlan

FOUNDATIONS, FIRST_REQUESTS = "foundations", "firstRequestSeconds"


def outputs(plan: StackPlan) -> Mapping[str, object]:
    """Stack outputs by name. Of each model: its URL, what is spoken there (openai, kserve-v2, custom), the name it is
    served under, the seconds that its cold start is predicted to take and may take, and, where it may be at zero, that
    its first request is predicted to wait. Of each server its foundation, which the next update reads.
    """
    served = [(server, model) for server in plan.servers for model in server.models]
    door = {"frontDoor": plan.front_door.url} if plan.front_door else {}
    return {
        **door,
        "endpoints": {model.name: model.url for _, model in served},
        "endpointKinds": {model.name: model.endpoint for _, model in served},
        "servedNames": {model.name: model.served_name for _, model in served},
        "coldStartSeconds": {model.name: float(server.startup.expected) for server, model in served},
        "coldStartBudgetSeconds": {model.name: float(server.startup.budget) for server, model in served},
        FIRST_REQUESTS: {
            model.name: float(server.scaling.wake.first_request)
            for server, model in served
            if server.scaling and server.scaling.wake
        },
        FOUNDATIONS: {server.name: server.foundation for server in plan.servers},
    }
