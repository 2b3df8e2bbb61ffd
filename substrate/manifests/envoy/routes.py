"""Which request goes where: the list of models, each model, and the ways to ask for none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from substrate.manifests.envoy import api
from substrate.manifests.envoy.errors import answered, error
from substrate.plan.types import FrontDoorPlan, UpstreamPlan

CONFIGURATION = "models"
_POST = [{"name": ":method", "string_match": {"exact": "POST"}}]


def configuration(plan: FrontDoorPlan) -> dict[str, Any]:
    """Tried from the first to the last. An engine has no use for the front door's keys, and may log what it gets."""
    rules = [*listing(plan.models), *(forward(model) for model in plan.models), *refusals()]
    host = {"name": "models", "domains": ["*"], "routes": rules}
    hidden = {"request_headers_to_remove": ["authorization", "x-api-key"]} if plan.keys_secret else {}
    return {"name": CONFIGURATION, "virtual_hosts": [host], **hidden}


def listing(models: Sequence[UpstreamPlan]) -> list[dict[str, Any]]:
    """`/v1/models` and `/v1/models/<served name>`, as OpenAI answers them."""
    entries = [{"id": one.served_name, "object": "model", "created": 0, "owned_by": "substrate"} for one in models]
    whole = {"object": "list", "data": entries}
    single = [answered({"path": f"/v1/models/{entry['id']}"}, 200, entry) for entry in entries]
    return [answered({"path": "/v1/models"}, 200, whole), *single]


def forward(model: UpstreamPlan) -> dict[str, Any]:
    """Tried again only where no byte of the request was sent."""
    rewrite = {"host_rewrite_literal": model.authority} if model.authority else {}
    action = {
        "cluster": model.name,
        "timeout": "0s",
        "retry_policy": {"retry_on": "connect-failure,refused-stream", "num_retries": 1},
        **rewrite,
    }
    return {"match": _asking({"exact": model.served_name}), "route": action}


def refusals() -> list[dict[str, Any]]:
    """In the order in which they are tried, after the models."""
    unknown = error(f"The model `{api.ASKED}` does not exist. GET /v1/models lists those that do.", "model_not_found")
    missing = error("The request must be JSON with a string `model`.", "model_missing")
    unlisted = error("The model does not exist. GET /v1/models lists those that do.", "model_not_found")
    no_such = error("There is no such path; a request is a POST below /v1/.", "unknown_url", parameter=None)
    return [
        {
            "match": _asking({"safe_regex": {"regex": "(?s).+"}}),
            "direct_response": {"status": 404, "body_format": {"json_format": unknown}},
        },
        answered({"prefix": "/v1/", "headers": _POST}, 400, missing),
        answered({"prefix": "/v1/models/"}, 404, unlisted),
        answered({"prefix": "/"}, 404, no_such),
    ]


def _asking(model: dict[str, Any]) -> dict[str, Any]:
    value = {"filter": api.NAMESPACE, "path": [{"key": "model"}], "value": {"string_match": model}}
    return {"prefix": "/v1/", "headers": _POST, "dynamic_metadata": [value]}
