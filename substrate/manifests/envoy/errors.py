"""What the front door says by itself, in OpenAI's shape. Pure; imports this package's names and the plan's types."""

from __future__ import annotations

import json
from typing import Any

from substrate.manifests.envoy import api
from substrate.values import Bytes

JSON_HEADER = [
    {"header": {"key": "content-type", "value": "application/json"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
]


def error(
    message: str, code: str, kind: str = "invalid_request_error", parameter: str | None = "model"
) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def answered(match: dict[str, Any], status: int, body: dict[str, Any]) -> dict[str, Any]:
    """A route that Envoy answers by itself, word for word."""
    fixed = {"status": status, "body": {"inline_string": json.dumps(body)}}
    return {"match": match, "direct_response": fixed, "response_headers_to_add": JSON_HEADER}


def replies(max_body: Bytes) -> list[dict[str, Any]]:
    """What Envoy says where no route answers, by status; what an engine says passes unchanged."""
    dead = error(f"The model `{api.ASKED}` is not reachable at the moment.", "model_unavailable", "server_error")
    large = error(f"The request is larger than {max_body.quantity()}B.", "request_too_large", parameter=None)
    key = error("The API key is missing or wrong.", "invalid_api_key", parameter=None)
    said = {403: key, 413: large, 503: dead, 504: dead}
    return [_reply(status, body) for status, body in said.items()]


def _reply(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """403 is what the filter of keys says; OpenAI's clients know 401."""
    renamed = {"status_code": 401} if status == 403 else {}
    return {"filter": _status(status), "body_format_override": {"json_format": body}, **renamed}


def _status(status: int) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": f"front_door.status_{status}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}
