"""What the cluster says of a failed update: pods that do not run, in their own words. Drives kubectl only."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any


def pods(namespace: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        ["kubectl", "get", "pods", "--namespace", namespace, "--output", "json"], capture_output=True, text=True
    )
    items: list[dict[str, Any]] = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    return items


def troubles(pod: dict[str, Any]) -> Iterator[str]:
    """Each container that ended badly or cannot start, with the message it left."""
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    for status in pod.get("status", {}).get("containerStatuses", []):
        for moment in ("state", "lastState"):
            ended = status.get(moment, {}).get("terminated")
            if ended and ended.get("exitCode"):
                yield trouble(name, status, f"exit code {ended['exitCode']}", ended.get("message"))
        waiting = status.get("state", {}).get("waiting")
        if waiting and waiting.get("message"):
            yield trouble(name, status, waiting["reason"], waiting["message"])
    yield from unscheduled(name, pod)


def trouble(pod: str, status: dict[str, Any], what: str, message: str | None) -> str:
    return f"{pod}, container {status['name']}, {what}:\n{indent(message)}"


def unscheduled(name: str, pod: dict[str, Any]) -> Iterator[str]:
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"{name} has no node:\n{indent(condition.get('message'))}"


def indent(text: str | None) -> str:
    lines = (text or "no message; see kubectl logs").strip().splitlines()
    return "\n".join(f"    {line}" for line in lines[-20:])


def explain(namespaces: Iterable[str]) -> str:
    """All troubles of the namespaces' pods, or an empty text."""
    return "\n".join(trouble for namespace in namespaces for pod in pods(namespace) for trouble in troubles(pod))
