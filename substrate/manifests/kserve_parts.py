"""Transformer and explainer beside a model on KServe, and which pods of the three a client reaches. Pure.

Imports the plan's types, facts and this package. Seen with the controller of 0.19: it makes `<service>-<part>`, a
Deployment and a Service, of each; it appends `--predictor_host` and `--http_port 8080` to the arguments, and the labels
of the InferenceService reach every pod, those of a part winning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from substrate.facts.kserve import EXPLAINER, PART_PORT, PREDICTOR, TRANSFORMER
from substrate.manifests import labels, pods, serving
from substrate.plan.engines.base import ENDPOINT_REMOVAL, SCRATCH_MOUNT
from substrate.plan.reach import pods_of
from substrate.plan.types import KServePlan, ModelPlan, PartPlan, ServerPlan

# What KServe calls the container that serves, in runtimes and pods alike.
CONTAINER = "kserve-container"
KNATIVE = "Knative"
# Knative refuses these: its queue-proxy drains the requests in flight itself, and sets the hook that waits for it.
NOT_IN_KNATIVE = ("terminationGracePeriodSeconds", "topologySpreadConstraints", "initContainers")
# Two minutes: a program of ours reads no weights, but Python's imports of a tokenizer's packages take most of one.
_PERIOD_SECONDS, _STARTS_WITHIN_PERIODS = 2, 60
# What stands beside the pods: another number of them starts none anew.
_NOT_OF_PODS = ("minReplicas", "maxReplicas", "replicas", "deploymentStrategy", "canaryTrafficPercent")
_ORDER = (PREDICTOR, TRANSFORMER, EXPLAINER)  # in which KServe reconciles them
# Ours by name, since KServe's own is that of the InferenceService and not what clients ask for.
_MODEL_NAME = "--model_name"


def selected(server: ServerPlan, part: str) -> dict[str, str]:
    """What finds a part's pods: the model's own Service and disruption budget find the entry's only."""
    name, value = pods_of(server, part)
    return {f"{labels.DOMAIN}/{name}": value}


def labels_of(server: ServerPlan, part: str) -> dict[str, str]:
    return {**labels.of_server(server), **selected(server, part)}


def all_of(server: ServerPlan, kserve: KServePlan) -> dict[str, Any]:
    """The parts of an InferenceService's spec beside its predictor."""
    return {part.name: component(server, kserve, part) for part in kserve.parts}


def component(server: ServerPlan, kserve: KServePlan, part: PartPlan) -> dict[str, Any]:
    """One part: as many replicas as it says, on the nodes of the model, rolled out as the model is."""
    pod = pods.spec(
        server.pool,
        terminationGracePeriodSeconds=round(server.grace),
        topologySpreadConstraints=[pods.spread(selected(server, part.name))],
        containers=[container(server, kserve, part)],
        volumes=[{"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}],
    )
    knative = kserve.mode == KNATIVE
    fields = {
        "minReplicas": part.replicas,
        "maxReplicas": part.replicas,
        "labels": labels_of(server, part.name),
        **({} if knative else {"deploymentStrategy": serving.strategy(server)}),
        **{key: value for key, value in pod.items() if not (knative and key in NOT_IN_KNATIVE)},
    }
    return revised(fields)


def revised(fields: Mapping[str, Any]) -> dict[str, Any]:
    """With the revision among the annotations, which reach the pods: KServe's own Ready does not say of which it is.

    Without empty lists: KServe's webhook drops them, and each update would write them again.
    """
    of_pods = {key: value for key, value in fields.items() if key not in _NOT_OF_PODS}
    annotations = {**fields.get("annotations", {}), **labels.revision(of_pods)}
    return {**{key: value for key, value in fields.items() if value != []}, "annotations": annotations}


def last_tells_all(spec: Mapping[str, Any]) -> dict[str, Any]:
    """With a change of any part being one of the last one's pods: KServe tells the generation of that one's Deployment
    for the service's, and Pulumi would wait in vain for a change that leaves it as it is.
    """
    last = max(spec, key=_ORDER.index)
    if len(spec) == 1:
        return dict(spec)
    told = {**spec[last], "annotations": {**spec[last]["annotations"], **labels.revision(spec)}}
    return {**spec, last: told}


def container(server: ServerPlan, kserve: KServePlan, part: PartPlan) -> dict[str, Any]:
    """A request in flight waits for the model's answer, so the part drains for as long as the model does."""
    held = {"memory": part.memory.quantity()}
    named = [] if any(each.startswith(_MODEL_NAME) for each in part.args) else [_MODEL_NAME, server.model.served_name]
    port = {"containerPort": PART_PORT, "protocol": "TCP"}
    draining = {"lifecycle": {"preStop": {"sleep": {"seconds": round(ENDPOINT_REMOVAL)}}}}
    return {
        "name": CONTAINER,
        "image": part.image,
        "imagePullPolicy": "IfNotPresent",
        **({"command": list(part.command)} if part.command else {}),
        "args": [*part.args, *named],
        "env": pods.environment(part.environment),
        # Knative allows no name of ours; the model's Service sends to `http`.
        "ports": [port if kserve.mode == KNATIVE else {"name": "http", **port}],
        **probes(part),
        **({} if kserve.mode == KNATIVE else draining),
        "resources": {"requests": {"cpu": f"{part.millicores}m", **held}, "limits": held},
        "securityContext": pods.CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH_MOUNT}],
    }


def probes(part: PartPlan) -> dict[str, Any]:
    check = {"httpGet": {"path": part.health_path, "port": PART_PORT, "scheme": "HTTP"}, "timeoutSeconds": 5}
    return {
        "startupProbe": {**check, "periodSeconds": _PERIOD_SECONDS, "failureThreshold": _STARTS_WITHIN_PERIODS},
        "readinessProbe": {**check, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**check, "periodSeconds": 10, "failureThreshold": 6},
    }


def disruption_budgets(server: ServerPlan, kserve: KServePlan) -> list[dict[str, Any]]:
    """For each part behind the entry, whose pods the model's own budget does not find."""
    names = [PREDICTOR, *(part.name for part in kserve.parts)]
    return [_budget(server, name) for name in names if name != kserve.entry]


def _budget(server: ServerPlan, part: str) -> dict[str, Any]:
    name = f"{serving.name(server)}-{part}"
    metadata = {"name": name, "namespace": server.namespace, "labels": labels.of_server(server)}
    return pods.disruption_budget(metadata, selected(server, part))


def explain_path(server: ServerPlan, model: ModelPlan) -> str | None:
    """Where below the model's URL its explainer answers; None without one."""
    explained = server.kserve and any(part.name == EXPLAINER for part in server.kserve.parts)
    return f"/v1/models/{model.served_name}:explain" if explained else None
