"""The container that logs payloads: before the engine, or behind KServe's own logger. Pure; imports facts and plan.

docs/decisions/payload-logging.md says why it is made so. The model's Service sends to the port called `http` in every
case, whoever listens there: so a model that begins to log, or ends to, or moves, is answered all the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from substrate.facts import payload_logging as facts
from substrate.facts.kserve import INFERENCE_SERVICE
from substrate.manifests import pods
from substrate.plan.types import LoggingPlan, ServerPlan

NAME = "payload-logger"
AUTHORIZATION = "PAYLOAD_SINK_AUTHORIZATION"
# KServe's words for what it logs.
_MODES = {"requests": "request", "responses": "response", "both": "all"}
_RELAY = ("-relay", f"-listen=127.0.0.1:{facts.RELAY}")


def engine_port(server: ServerPlan) -> str:
    """What the engine's own port is called."""
    return "engine" if server.logging else "http"


def by_kserves_agent(server: ServerPlan) -> bool:
    """Whether KServe puts its own logger into the pod: it has one for this kind of object only."""
    return server.kserve is not None and server.kserve.resource == INFERENCE_SERVICE


def before_the_engine(server: ServerPlan) -> dict[str, Any]:
    """Fields of the pod's spec, none where nothing is logged. Not for Knative, which refuses them."""
    if server.logging is None:
        return {}
    made = relay if by_kserves_agent(server) else sidecar
    return {"initContainers": [made(server, server.logging)]}


def sidecar(server: ServerPlan, logging: LoggingPlan) -> dict[str, Any]:
    """An init container that goes on running: it is there before the engine and ends after it."""
    passing = [f"-engine=http://127.0.0.1:{server.engine.port}", f"-listen=:{facts.LISTEN}"]
    return _going_on(container(server, logging, passing), facts.LISTEN)


def relay(server: ServerPlan, logging: LoggingPlan) -> dict[str, Any]:
    """The sink of KServe's own logger, in the same pod.

    The port `http` that it declares is the agent's, which KServe puts in and calls otherwise.
    """
    return _going_on(container(server, logging, _RELAY), facts.AGENT)


def relay_in_knative(server: ServerPlan, logging: LoggingPlan) -> dict[str, Any]:
    """An ordinary container: Knative refuses init containers by default, and ports and probes of a second one.

    It gets SIGTERM together with the agent, so it lingers until that one is done.
    """
    return container(server, logging, [*_RELAY, f"-linger={facts.LINGER:.0f}s"])


def kserve_logger(logging: LoggingPlan) -> dict[str, str]:
    """A predictor's `logger`: KServe's agent, whose sink is the relay."""
    return {"mode": _MODES[logging.log], "url": f"http://127.0.0.1:{facts.RELAY}"}


def container(server: ServerPlan, logging: LoggingPlan, role: Sequence[str]) -> dict[str, Any]:
    """What both roles have in common."""
    return {
        "name": NAME,
        "image": logging.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [*_arguments(server, logging), *role],
        "env": [{"name": "GOMEMLIMIT", "value": f"{facts.GO_MEMORY_LIMIT.mebibytes}MiB"}, *_authorization(logging)],
        "resources": {
            "requests": {"cpu": str(facts.OURS.cpus), "memory": facts.OURS.memory.quantity()},
            "limits": {"memory": facts.MEMORY_LIMIT.quantity()},
        },
        "securityContext": pods.CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _arguments(server: ServerPlan, logging: LoggingPlan) -> list[str]:
    return [
        f"-sink={logging.sink}",
        f"-model={server.name}",
        f"-namespace={server.namespace}",
        f"-metrics=:{facts.METRICS}",
        f"-log={logging.log}",
        f"-sample={logging.sample:g}",
        f"-max-payload={int(logging.max_payload)}",
        f"-drain={logging.drain:.0f}s",
        *(f"-redact={path}" for path in logging.redact),
    ]


def _authorization(logging: LoggingPlan) -> list[dict[str, Any]]:
    """From the Secret alone: no key is ever an argument, or in the stack file."""
    if logging.secret is None:
        return []
    return [{"name": AUTHORIZATION, "valueFrom": {"secretKeyRef": {"name": logging.secret, "key": "authorization"}}}]


def _going_on(made: dict[str, Any], port: int) -> dict[str, Any]:
    """`port` is what the model's Service sends to."""
    check = {"httpGet": {"path": "/healthz", "port": facts.METRICS, "scheme": "HTTP"}}
    return {
        **made,
        "restartPolicy": "Always",
        "ports": [
            {"name": "http", "containerPort": port, "protocol": "TCP"},
            {"name": "log-metrics", "containerPort": facts.METRICS, "protocol": "TCP"},
        ],
        "startupProbe": {**check, "periodSeconds": 1, "failureThreshold": 30},
        "livenessProbe": {**check, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }
