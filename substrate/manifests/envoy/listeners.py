"""Where the front door listens, and what a request passes on its way. Pure; imports this package's own files."""

from __future__ import annotations

from typing import Any

from substrate.manifests.envoy import api, routes
from substrate.manifests.envoy import starting as refused
from substrate.manifests.envoy.errors import replies
from substrate.plan.reach import STARTING_PORT
from substrate.plan.types import FrontDoorPlan

EVERYWHERE = "0.0.0.0"
UPLOAD_SECONDS = 60  # for a request to come in whole
IDLE_SECONDS = 3600  # between two tokens, or before the first; the engine bounds an answer, not the proxy
_MANAGER = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def requests(plan: FrontDoorPlan) -> dict[str, Any]:
    """The listener of the requests. A body is held whole, so that its `model` may stand at its end."""
    keys = [_keys()] if plan.keys_secret else []
    return {
        "name": "models",
        "address": api.address(EVERYWHERE, api.PORT),
        "per_connection_buffer_limit_bytes": int(plan.max_body),
        "filter_chains": _chain(
            "front_door",
            server_header_transformation="PASS_THROUGH",
            normalize_path=True,
            merge_slashes=True,
            path_with_escaped_slashes_action="UNESCAPE_AND_FORWARD",
            request_headers_timeout="10s",
            request_timeout=f"{UPLOAD_SECONDS}s",
            stream_idle_timeout=f"{IDLE_SECONDS}s",
            http_filters=[*keys, _model(), _router()],
            rds={"route_config_name": routes.CONFIGURATION, "config_source": api.watched(api.ROUTES)},
            local_reply_config={"mappers": replies(plan.max_body)},
            access_log=[_access_log()],
        ),
    }


def metrics() -> dict[str, Any]:
    """The listener of probes and metrics: two paths of the admin interface, and no other."""
    rules = [
        _read("/metrics", {"cluster": "admin", "prefix_rewrite": "/stats/prometheus"}),
        _read("/ready", {"cluster": "admin"}),
    ]
    hosts = [{"name": "metrics", "domains": ["*"], "routes": rules}]
    return {
        "name": "metrics",
        "address": api.address(EVERYWHERE, api.METRICS_PORT),
        "bypass_overload_manager": True,
        "filter_chains": _chain("metrics", http_filters=[_router()], route_config={"virtual_hosts": hosts}),
    }


def starting() -> dict[str, Any]:
    """The listener of those who waited for a model in vain: it answers, whatever it is asked, and reads no body."""
    return {
        "name": "starting",
        "address": api.address(EVERYWHERE, STARTING_PORT),
        "bypass_overload_manager": True,
        "filter_chains": _chain(
            "starting",
            http_filters=[_router()],
            rds={"route_config_name": refused.CONFIGURATION, "config_source": api.watched(api.STARTING)},
        ),
    }


def _chain(prefix: str, **manager: Any) -> list[dict[str, Any]]:
    typed = {"@type": api.kind(_MANAGER), "stat_prefix": prefix, **manager}
    return [{"filters": [{"name": "http", "typed_config": typed}]}]


def _read(path: str, route: dict[str, Any]) -> dict[str, Any]:
    get = [{"name": ":method", "string_match": {"exact": "GET"}}]
    return {"match": {"path": path, "headers": get}, "route": route}


def _keys() -> dict[str, Any]:
    """Answers nobody until the Secret is there."""
    source = api.watched(api.KEYS_FILE, api.KEYS)
    return {"name": "keys", "config_discovery": {"config_source": source, "type_urls": [api.kind(api.RBAC)]}}


def _model() -> dict[str, Any]:
    """Reads the field `model` of a JSON body, which it waits for whole."""
    rule = {"selectors": [{"key": "model"}], "on_present": {"metadata_namespace": api.NAMESPACE, "key": "model"}}
    wanted = {"rules": [rule], "allow_content_types_regex": {"regex": "application/json( *;.*)?"}}
    kind = api.kind("extensions.filters.http.json_to_metadata.v3.JsonToMetadata")
    return {"name": "model", "typed_config": {"@type": kind, "request_rules": wanted}}


def _router() -> dict[str, Any]:
    kind = api.kind("extensions.filters.http.router.v3.Router")
    return {"name": "router", "typed_config": {"@type": kind, "suppress_envoy_headers": True}}


def _access_log() -> dict[str, Any]:
    """One line a request, with neither content nor keys."""
    line = {
        "time": "%START_TIME%",
        "model": api.ASKED,
        "path": "%PATH(NQ:PATH:200)%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "requestBytes": "%BYTES_RECEIVED%",
        "responseBytes": "%BYTES_SENT%",
        "firstByteMs": "%RESPONSE_DURATION%",
        "durationMs": "%DURATION%",
        "requestId": "%REQ(X-REQUEST-ID)%",
    }
    kind = api.kind("extensions.access_loggers.stream.v3.StdoutAccessLog")
    return {"name": "stdout", "typed_config": {"@type": kind, "log_format": {"json_format": line}}}
