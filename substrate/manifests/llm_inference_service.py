"""KServe's newer kind of object for a model: an LLMInferenceService. Pure; imports the plan's types and this package.

Its controller merges what stands here into its preset for vLLM (`kserve-config-llm-template`), container by name, mount
by path, and starts `/bin/bash` there: whatever must not be the preset's is therefore said. Read in its source, 0.19.0.
"""

from __future__ import annotations

from typing import Any

from substrate.facts.kserve import LLM_INFERENCE_SERVICE, LLM_VERSION
from substrate.manifests import labels, serving
from substrate.manifests.kserve import API_GROUP, storage, waiting
from substrate.manifests.kserve_parts import revised
from substrate.plan.types import ServerPlan

CONTAINER = "main"
# The image's own entry point; without it the preset's shell script would start, with our arguments behind its own.
COMMAND = ["vllm", "serve"]
# What may change in an object's life, and may not stand on its pods: the controller puts their labels into the
# Deployment's selector, which cannot be changed. Nor may its own, which that selector already holds.
_NOT_ON_PODS = (f"{labels.DOMAIN}/tier", "app.kubernetes.io/name", "app.kubernetes.io/part-of")


def llm_inference_service(server: ServerPlan) -> dict[str, Any]:
    """The whole object. Without `router` KServe makes no route: the model's own is the same on every foundation."""
    return {
        "apiVersion": f"{API_GROUP}/{LLM_VERSION}",
        "kind": LLM_INFERENCE_SERVICE,
        "metadata": {
            "name": serving.name(server),
            "namespace": server.namespace,
            "labels": labels.of_server(server),
            "annotations": {**labels.workload_annotations(server), **waiting(server)},
        },
        "spec": revised(
            {
                "model": {"uri": storage(server)["storageUri"], "name": server.model.served_name},
                **serving.replicas(server),
                "labels": pod_labels(server),
                "annotations": labels.pod_annotations(server),
                "template": template(server),
            }
        ),
    }


def pod_labels(server: ServerPlan) -> dict[str, str]:
    return {key: value for key, value in labels.of_server(server).items() if key not in _NOT_ON_PODS}


def template(server: ServerPlan) -> dict[str, Any]:
    """The pod; the claim is mounted by the controller, read-only, where KServe mounts it for every kind."""
    pod = serving.pod_fields(server)
    return {
        **pod,
        "containers": [container(server)],
        "volumes": [volume for volume in pod["volumes"] if volume["name"] != serving.WEIGHTS],
    }


def container(server: ServerPlan) -> dict[str, Any]:
    ours = serving.container(server)
    return {
        **ours,
        "name": CONTAINER,
        "command": COMMAND,
        "lifecycle": lifecycle(server),
        "volumeMounts": [mount for mount in ours["volumeMounts"] if mount["name"] != serving.WEIGHTS],
    }


def lifecycle(server: ServerPlan) -> dict[str, Any]:
    """A wait of as many seconds, by a program: the preset's is one, and a handler of two kinds is refused.

    Python is in every image of vLLM's.
    """
    before = server.engine.pre_stop
    sleep = before.get("sleep")
    if not isinstance(sleep, dict):
        return {"preStop": before}
    return {"preStop": {"exec": {"command": ["python3", "-c", f"import time; time.sleep({sleep['seconds']})"]}}}
