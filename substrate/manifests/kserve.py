"""KServe's objects: a ServingRuntime for each engine, an InferenceService for each model. Pure.

Sources: reference/platforms.md 4.1 and 4.2, reference/runtimes.md 5, and the real controller of v0.19.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from substrate.facts.kserve import PREDICTOR
from substrate.manifests import autoscaling, kserve_parts, labels, payload_logging, pods, serving
from substrate.manifests.kserve_parts import CONTAINER, KNATIVE, NOT_IN_KNATIVE
from substrate.plan.switch import awaited
from substrate.plan.types import KnativeGatewayPlan, KServePlan, RuntimePlan, ServerPlan

API_GROUP = "serving.kserve.io"
GATEWAY_API = "gateway.networking.k8s.io"
# KServe 0.19 adds this itself, and its own webhook then refuses the change in Knative mode: it takes a status that is
# still empty for Standard (validateDeploymentMode). With the finalizer there from the start nothing needs changing.
FINALIZER = "inferenceservice.finalizers"


def serving_runtime(runtime: RuntimePlan) -> dict[str, Any]:
    """For the whole cluster, never chosen by itself: a model names it. What differs from model to model is not here."""
    exempt = {"annotations": labels.exemptions(runtime.exemptions)} if runtime.exemptions else {}
    return {
        "apiVersion": f"{API_GROUP}/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": runtime.name, "labels": labels.of_platform(), **exempt},
        "spec": {
            "supportedModelFormats": [{"name": model_format(runtime.engine.name), "version": "1", "autoSelect": False}],
            "multiModel": False,
            "containers": [
                {
                    "name": CONTAINER,
                    "image": runtime.engine.image,
                    "ports": serving.ports(runtime.engine),
                    "securityContext": pods.CONTAINER_SECURITY,
                }
            ],
        },
    }


def model_format(engine: str) -> str:
    """KServe's name for what an engine reads; its own formats are in lower case."""
    return engine.replace(".", "-")


def inference_service(server: ServerPlan, kserve: KServePlan) -> dict[str, Any]:
    """The whole object. The mode is always written: the default is another one from one install to the next.

    `autoscalerClass: none` keeps KServe from making an HPA on CPU, and its Deployment at the least number of replicas:
    with `external` it starts one replica whatever the least is, and leaves their number to a scaler, which is ours.
    """
    return {
        "apiVersion": f"{API_GROUP}/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": serving.name(server),
            "namespace": server.namespace,
            "labels": labels.of_server(server),
            **({"finalizers": [FINALIZER]} if kserve.mode == KNATIVE else {}),
            "annotations": {
                **labels.workload_annotations(server),
                **waiting(server),
                f"{API_GROUP}/deploymentMode": kserve.mode,
                **({} if kserve.mode == KNATIVE else {f"{API_GROUP}/autoscalerClass": _scaled_by(server)}),
            },
        },
        "spec": kserve_parts.last_tells_all(
            {PREDICTOR: predictor(server, kserve), **kserve_parts.all_of(server, kserve)}
        ),
    }


def _scaled_by(server: ServerPlan) -> str:
    return "external" if server.scaled else "none"


def waiting(server: ServerPlan) -> dict[str, str]:
    """Of a kind that Pulumi does not know it only waits for what it is told."""
    return {"pulumi.com/waitFor": "condition=Ready"} if awaited(server) and not server.asleep else {}


def predictor(server: ServerPlan, kserve: KServePlan) -> dict[str, Any]:
    """KServe scales nothing in Standard mode. Nothing may stand here whose change would change no Deployment: Pulumi
    would wait in vain, since KServe's status tells the generation of its Deployment for its own.
    """
    fields = {
        **replicas(server, kserve),
        "labels": kserve_parts.labels_of(server, PREDICTOR),
        "annotations": {**labels.pod_annotations(server), **autoscaling.knative_annotations(server)},
        **_by_mode(server, kserve),
        **logger(server, kserve),
        "model": model(server, kserve),
    }
    return kserve_parts.revised(fields)


def replicas(server: ServerPlan, kserve: KServePlan) -> dict[str, int]:
    """Of the predictor; a scaler of ours is told them in its own object."""
    if server.scaled:
        return {}
    most = server.max_replicas if kserve.mode == KNATIVE else max(1, server.min_replicas)
    return {"minReplicas": server.min_replicas, "maxReplicas": most}


def _by_mode(server: ServerPlan, kserve: KServePlan) -> dict[str, Any]:
    pod = {key: value for key, value in serving.pod_fields(server).items() if key != "containers"}
    pod["topologySpreadConstraints"] = [pods.spread(kserve_parts.selected(server, PREDICTOR))]
    pod["volumes"] = [volume for volume in pod["volumes"] if not of_storage(server, volume)]
    if kserve.mode == KNATIVE:
        percent = kserve.canary_traffic_percent
        canary = {} if percent is None else {"canaryTrafficPercent": percent}
        return {**canary, **{key: value for key, value in pod.items() if key not in NOT_IN_KNATIVE}}
    return {"deploymentStrategy": serving.strategy(server), **pod}


def logger(server: ServerPlan, kserve: KServePlan) -> dict[str, Any]:
    """KServe's own logger, and in Knative mode its sink, which is an init container elsewhere."""
    if server.logging is None:
        return {}
    relays = [payload_logging.relay_in_knative(server, server.logging)] if kserve.mode == KNATIVE else []
    beside = {"containers": relays} if relays else {}
    return {"logger": payload_logging.kserve_logger(server.logging), **beside}


def reference_grant(gateway: KnativeGatewayPlan, stack_namespaces: Sequence[str]) -> dict[str, Any]:
    """Lets the teams' routes send to Knative's gateway, which lies in another namespace."""
    teams = [{"group": GATEWAY_API, "kind": "HTTPRoute", "namespace": namespace} for namespace in stack_namespaces]
    return {
        "apiVersion": f"{GATEWAY_API}/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": "substrate-models", "namespace": gateway.namespace, "labels": labels.of_platform()},
        "spec": {"from": teams, "to": [{"group": "", "kind": "Service", "name": gateway.service}]},
    }


def model(server: ServerPlan, kserve: KServePlan) -> dict[str, Any]:
    """The container, and where its weights lie: `pvc://` mounts the claim read-only and downloads nothing."""
    container = serving.container(server)
    if kserve.mode == KNATIVE:
        container = without_port_names(container)
    mounts = [mount for mount in container["volumeMounts"] if not of_storage(server, mount)]
    left_out = {"name", "volumeMounts", *(("lifecycle",) if kserve.mode == KNATIVE else ())}
    return {
        "modelFormat": {"name": model_format(server.engine.name), "version": "1"},
        "runtime": kserve.runtime,
        **storage(server),
        **{key: value for key, value in container.items() if key not in left_out},
        "volumeMounts": mounts,
    }


def storage(server: ServerPlan) -> dict[str, str]:
    """The first weights of the server. Without any KServe takes it for a server of its old kind for several models, and
    adds an agent that would fetch them (seen with 0.19); these are merely there twice where we mount them.
    """
    digests = [model.weights.digest for model in server.models if model.weights]
    return {"storageUri": f"pvc://{server.claim}/{digests[0]}"} if digests else {}


def by_kserve(server: ServerPlan) -> bool:
    """Whether KServe mounts the weights: it knows one folder of one model, and not a repository out of many mounts."""
    return not server.engine.places


def of_storage(server: ServerPlan, part: Mapping[str, Any]) -> bool:
    """Whether a volume or mount stands for what KServe mounts itself."""
    return by_kserve(server) and part["name"] == serving.WEIGHTS


def without_port_names(container: dict[str, Any]) -> dict[str, Any]:
    """Knative allows one port, called `http1`, `h2c` or nothing, and probes of that one only."""
    (port,) = container["ports"]
    probes = {key: value for key, value in container.items() if key.endswith("Probe")}
    return {
        **container,
        "ports": [{key: value for key, value in port.items() if key != "name"}],
        **{key: _asking(probe, port["containerPort"]) for key, probe in probes.items()},
    }


def _asking(probe: dict[str, Any], port: int) -> dict[str, Any]:
    return {**probe, "httpGet": {**probe["httpGet"], "port": port}}
