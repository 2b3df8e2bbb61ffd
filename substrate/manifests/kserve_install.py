"""KServe's own install: its charts as Helm releases, and what must be in the cluster before anything is made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from substrate.facts.kserve import INFERENCE_SERVICE, LLM_INFERENCE_SERVICE, LLM_VERSION
from substrate.manifests.kserve import API_GROUP
from substrate.plan.types import KServeInstallPlan, KServePlatformPlan

SERVING = (f"inferenceservices.{API_GROUP}", f"clusterservingruntimes.{API_GROUP}")
LLM = f"llminferenceservices.{API_GROUP}"
_KNATIVE = "services.serving.knative.dev"
# By the class of autoscaler that models ask for: Knative mode brings Knative's, Standard mode none of KServe's own.
AUTOSCALERS = {"knative": "podautoscalers.autoscaling.internal.knative.dev"}
CONTROLLERS = {
    INFERENCE_SERVICE: "kserve-controller-manager",
    LLM_INFERENCE_SERVICE: "llmisvc-controller-manager",
}
# The chart's webhooks get their certificate from it.
CERTIFICATES = "certificates.cert-manager.io"
# Seconds that Helm waits for what a chart makes: an image of 100 MB and a certificate.
_TIMEOUT = 600


def checked(plan: KServePlatformPlan) -> list[str]:
    """Names of the definitions that must be there before; of an install of ours only what its charts need."""
    ours = plan.install is not None
    serving = () if ours or INFERENCE_SERVICE not in plan.resources else SERVING
    llm = (LLM,) if LLM_INFERENCE_SERVICE in plan.resources else ()
    knative = (_KNATIVE, *(AUTOSCALERS[name] for name in autoscalers(plan) if name in AUTOSCALERS))
    return [*serving, *llm, *(knative if plan.knative else ()), *((CERTIFICATES,) if ours else ())]


def controllers(plan: KServePlatformPlan) -> dict[str, str]:
    """The controllers' Deployments by kind of object, as far as they are there before."""
    ours = (INFERENCE_SERVICE,) if plan.install else ()
    return {kind: CONTROLLERS[kind] for kind in plan.resources if kind not in ours}


def autoscalers(plan: KServePlatformPlan) -> list[str]:
    """What scales the models: Knative's own where one is in its mode; in Standard mode a scaler of ours, or none."""
    standard = "external" if plan.scaled else "none"
    return ["knative"] if plan.knative else [standard]


def releases(namespace: str, install: KServeInstallPlan) -> list[dict[str, Any]]:
    """Inputs of Helm releases, in the order of their making: the definitions, then the controller."""
    common = {"version": install.version, "namespace": namespace, "createNamespace": True, "timeout": _TIMEOUT}
    return [
        {"name": "kserve-crd", "chart": install.crds, **common},
        {"name": "kserve-resources", "chart": install.chart, **common, "values": values()},
    ]


def values() -> Mapping[str, Any]:
    """Standard mode by default, and no routes: the models' own are the same on every foundation."""
    gateway = {"disableIngressCreation": True, "disableIstioVirtualHost": True}
    return {"kserve": {"controller": {"deploymentMode": "Standard", "gateway": gateway}}}


def version_not_served(definition: Mapping[str, Any], version: str = LLM_VERSION) -> list[str]:
    """A definition that has not the version that is written here."""
    served = [str(each.get("name")) for each in _versions(definition) if each.get("served", True)]
    if version in served or not served:
        return []
    return [
        f"this KServe serves {LLM_INFERENCE_SERVICE} as {', '.join(served)}, and it is written as {version}.\n"
        "  fix: install a newer KServe, or remove `resource` from the models' `kserve` blocks"
    ]


def _versions(definition: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found: Iterable[Mapping[str, Any]] = definition.get("versions") or ()
    return found
