"""What the front door says of a model that did not start in time, to those who were held for it. Pure."""

from __future__ import annotations

from typing import Any

from substrate.manifests.envoy.errors import JSON_HEADER, answered, error
from substrate.plan.types import FrontDoorPlan, StartingPlan

CONFIGURATION = "starting"
# For a host that is no model's: nobody sends one here.
ANY_AGAIN_SECONDS = 30
# A client that asks again at once would only wait once more.
LEAST_AGAIN_SECONDS = 5


def configuration(plan: FrontDoorPlan) -> dict[str, Any]:
    """One host for each model that may be at zero: the interceptor leaves the request's host as it was."""
    other = _refusal("The model is starting.", ANY_AGAIN_SECONDS)
    rest = {"name": "other", "domains": ["*"], "routes": [other]}
    return {"name": CONFIGURATION, "virtual_hosts": [*(host(one) for one in plan.starting), rest]}


def host(model: StartingPlan) -> dict[str, Any]:
    again = max(LEAST_AGAIN_SECONDS, round(model.again))
    said = (
        f"The model `{model.name}` was at rest and did not start within {model.held:.0f} s. "
        f"Ask again in {again} s: it goes on starting."
    )
    return {"name": model.name, "domains": [model.host, f"{model.host}:*"], "routes": [_refusal(said, again)]}


def _refusal(message: str, again: int) -> dict[str, Any]:
    body = error(message, "model_starting", "server_error")
    route = answered({"prefix": "/"}, 503, body)
    later = {"header": {"key": "retry-after", "value": str(again)}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return {**route, "response_headers_to_add": [*JSON_HEADER, later]}
