"""After an update: does every scaler hear of its model? Drives kubectl only.

A Prometheus that is not there, or does not read the pods, shows nowhere else: replicas stay as they are under any load.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ops.console import Failure, say

# The controller asks every 15 seconds, and Prometheus has read a new pod twice within the minute.
HEARD_WITHIN_SECONDS = 90.0
EVERY_SECONDS = 3.0
LABEL = "substrate.dev/workload"
# At zero there is nobody to hear of; KEDA, which wakes it, asks elsewhere.
AT_REST = "ScalingDisabled"


def deaf(scalers: Collection[Mapping[str, Any]]) -> dict[str, str]:
    """Those that can not scale, by namespace and target, and what their controller says of it."""
    found = {name_of(scaler): condition(scaler) for scaler in scalers}
    return {name: str(said.get("message", "it has not asked yet")) for name, said in found.items() if not hears(said)}


def name_of(scaler: Mapping[str, Any]) -> str:
    return f"{scaler['metadata']['namespace']}/{scaler['spec']['scaleTargetRef']['name']}"


def condition(scaler: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its word on whether it can compute a number of replicas; empty before it has one."""
    conditions = scaler.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == "ScalingActive"), {})


def hears(said: Mapping[str, Any]) -> bool:
    return said.get("status") == "True" or said.get("reason") == AT_REST


def scalers(namespaces: Iterable[str]) -> list[dict[str, Any]]:
    """The HorizontalPodAutoscalers of models; KEDA makes one of each ScaledObject, with its labels."""
    return [each for namespace in namespaces for each in _in(namespace)]


def movable(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those with a choice: at 1..1 nothing is lost by hearing nothing, and nobody need wait for it."""
    return [each for each in found if each["spec"]["minReplicas"] < each["spec"]["maxReplicas"]]


def _in(namespace: str) -> list[dict[str, Any]]:
    selected = ["--namespace", namespace, "--selector", LABEL, "--output", "json"]
    command = ["kubectl", "get", "horizontalpodautoscalers.v2.autoscaling", *selected]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(command)} failed:\n{done.stderr}".rstrip())
    items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return items


def tell(stack: str, namespaces: Iterable[str]) -> None:
    """Say whether all hear, or which do not and where that is set; nothing where nothing is scaled."""
    deadline = time.monotonic() + HEARD_WITHIN_SECONDS
    while (found := movable(scalers(namespaces))) and (missing := deaf(found)) and time.monotonic() < deadline:
        time.sleep(EVERY_SECONDS)
    if found:
        say("\n" + (advice(stack, missing) if missing else f"{len(found)} scalers hear of their models"))


def advice(stack: str, missing: Mapping[str, str]) -> str:
    said = "\n".join(f"  {name}: {why}" for name, why in sorted(missing.items()))
    return (
        f"warning: {len(missing)} scalers hear nothing of their models, whose replicas stay as they are:\n{said}\n"
        f"  fix: does `prometheus` under substrate:monitoring in Pulumi.{stack}.yaml answer inside the cluster,\n"
        "  does it take our monitors by `labels` and read the models' pods?\n"
        "  Through prometheus-adapter: has it the rules of `substrate adapter-rules`?"
    )
