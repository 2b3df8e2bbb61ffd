"""Rule: nothing scales a language model on CPU or memory, nor on no metric (which is CPU). Imports `scalers`.

The readers return what they find as words; whether a language model stands behind a scaler is the caller's to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from policies.objects import KubernetesObject
from policies.plain import Object, dig, known, mapping, mappings, sequence, text, whole
from policies.pods import KSERVE_GROUP
from policies.scalers import HPA, SCALED_JOB, SCALED_OBJECT, is_scaler
from policies.violations import Violation
from policies.workloads import Evidence

HOST_RESOURCES = ("cpu", "memory")
# The annotation in which an autoscaling/v1 object carries the metrics of v2.
V1_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
KNATIVE_CLASS, KNATIVE_METRIC = "autoscaling.knative.dev/class", "autoscaling.knative.dev/metric"
KSERVE_CLASS, KSERVE_METRIC, KSERVE_MODE = (
    "serving.kserve.io/autoscalerClass", "serving.kserve.io/metric", "serving.kserve.io/deploymentMode",
)  # fmt: skip
_PODS_WITHOUT_KNATIVE = ("Standard", "RawDeployment")
_KSERVE_COMPONENTS = ("predictor", "transformer", "explainer")
# CPU and memory as series: of cAdvisor, the node exporter, a process. Not an engine's KV cache in CPU memory.
_HOST_SERIES = re.compile(
    r"(?<![A-Za-z0-9_])(container_cpu_\w+|container_memory_\w+|node_cpu_\w+|node_memory_\w+|process_cpu_\w+"
    r"|process_resident_memory_\w+|(?:pod_|container_)?(?:cpu|memory)_(?:utili[sz]ation|usage)\w*"
    r"|kubernetes\.(?:cpu|memory)\.[\w.]+)"
)
_V2_SOURCES = {
    "Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object",
    "External": "external",
}  # fmt: skip

WHY = (
    "the GPU does the work, so the CPU is as busy with one request as with fifty, and resident memory never falls: "
    "the replicas do not follow the load, and requests queue while the scaler sees nothing"
)
_METRICS = {
    "vllm": "vllm:num_requests_running + vllm:num_requests_waiting",
    "llama.cpp": "llamacpp:requests_processing + llamacpp:requests_deferred",
    "tgi": "tgi_batch_current_size + tgi_queue_size",
    "triton": "nv_inference_pending_request_count",
    "sglang": "sglang:num_running_reqs + sglang:num_queue_reqs",
}


def check(obj: KubernetesObject, served: Evidence | None, target: str = "") -> Iterator[Violation]:
    """One violation a metric of `obj` that follows CPU or memory, where a language model is `served` behind it."""
    if served is None:
        return
    behind = f"it scales {target}, a language model ({served})" if target else f"a language model ({served})"
    for found in host_metrics(obj):
        yield Violation(str(obj), f"{found}; {behind}", WHY, _fix(obj, served.engine))


def _fix(obj: KubernetesObject, engine: str) -> str:
    signal = _METRICS.get(engine, f"what the engine runs and queues (vLLM: {_METRICS['vllm']})")
    external = f"set {KSERVE_CLASS}: external and " if obj.kind == "InferenceService" else ""
    return (
        f"{external}scale on requests in flight: {signal}, about 16 a replica, in a KEDA ScaledObject's prometheus "
        "trigger or an HPA autoscaling/v2 External metric"
    )


def host_metrics(obj: KubernetesObject) -> list[str]:
    """Where an object scales on CPU or memory: each place and value as the start of a sentence."""
    if is_scaler(obj):
        return _of_scaler(obj)
    if obj.group == KSERVE_GROUP and obj.kind == "InferenceService":
        return [*_knative(obj.annotations, ""), *_kserve(obj)]
    if obj.group == KSERVE_GROUP and obj.kind == "LLMInferenceService":
        return [
            found
            for path in (("spec", "scaling"), ("spec", "prefill", "scaling"))
            for found in _keda(dig(obj.body, *path, "keda", "triggers"), ".".join((*path, "keda")))
        ]
    if obj.group == "serving.knative.dev":
        return _knative(
            mapping(dig(obj.body, "spec", "template", "metadata", "annotations")), "spec.template.metadata."
        )
    return []


def _of_scaler(obj: KubernetesObject) -> list[str]:
    if obj.kind == HPA:
        return _hpa_v1(obj) if obj.api_version == "autoscaling/v1" else _hpa_v2(obj)
    return _keda(obj.spec.get("triggers"), "spec") if obj.kind in (SCALED_OBJECT, SCALED_JOB) else []


def _hpa_v1(obj: KubernetesObject) -> list[str]:
    percent = whole(obj.spec.get("targetCPUUtilizationPercentage"))
    if percent is not None:
        return [f"spec.targetCPUUtilizationPercentage is {percent}"]
    metrics = _annotated_metrics(text(obj.annotations.get(V1_METRICS)))
    if metrics:
        return _v2_metrics(metrics, f"annotation {V1_METRICS}")
    return [] if obj.patch else ["spec.targetCPUUtilizationPercentage is not set: the API scales on cpu at 80 % then"]


def _annotated_metrics(written: str | None) -> list[Any]:
    try:
        metrics = json.loads(written) if written else []
    except ValueError:
        return []
    return metrics if isinstance(metrics, list) else []


def _hpa_v2(obj: KubernetesObject) -> list[str]:
    metrics = sequence(obj.spec.get("metrics"))
    if not metrics:
        return [] if obj.patch else ["spec.metrics is empty: the API scales on cpu at 80 % then"]
    return _v2_metrics(metrics, "spec.metrics")


def _v2_metrics(metrics: list[Any], where: str) -> list[str]:
    found = (_v2_metric(metric, f"{where}[{index}]") for index, metric in enumerate(mappings(metrics)))
    return [item for item in found if item]


def _v2_metric(metric: Object, where: str) -> str | None:
    kind = text(metric.get("type")) or next((name for name, key in _V2_SOURCES.items() if key in metric), "")
    source = mapping(metric.get(_V2_SOURCES.get(kind, "")))
    if kind in ("Resource", "ContainerResource"):
        name = text(source.get("name")) or ""
        return f"{where} is {kind} {name}{_target(source)}" if name in HOST_RESOURCES else None
    series = text(dig(source, "metric", "name")) or text(source.get("metricName")) or ""  # v2, v2beta1
    match = _HOST_SERIES.search(series)
    return f"{where} is {kind} metric {match[0]}" if match else None


def _target(source: Object) -> str:
    target = mapping(source.get("target"))
    percent = whole(target.get("averageUtilization")) or whole(source.get("targetAverageUtilization"))
    amount = text(target.get("averageValue")) or text(source.get("targetAverageValue"))
    return f", target {percent} %" if percent else f", target {amount}" if amount else ""


def _keda(triggers: Any, where: str) -> list[str]:
    found = (_keda_trigger(trigger, f"{where}.triggers[{index}]") for index, trigger in enumerate(mappings(triggers)))
    return [item for item in found if item]


def _keda_trigger(trigger: Object, where: str) -> str | None:
    kind = text(trigger.get("type")) or ""
    if kind in HOST_RESOURCES:
        return f"{where} is a {kind} trigger, value {text(dig(trigger, 'metadata', 'value'))}"
    match = _HOST_SERIES.search(text(dig(trigger, "metadata", "query")) or "")
    return f"{where} is a {kind} trigger on {match[0]}" if match else None


def _kserve(obj: KubernetesObject) -> Iterator[str]:
    metric = text(obj.annotations.get(KSERVE_METRIC))
    if metric in HOST_RESOURCES:
        yield f"annotation {KSERVE_METRIC} is {metric}"
    for name in _KSERVE_COMPONENTS:
        component = mapping(obj.spec.get(name))
        if (scale_metric := text(component.get("scaleMetric"))) in HOST_RESOURCES:
            yield f"spec.{name}.scaleMetric is {scale_metric}"
        metrics = sequence(dig(component, "autoScaling", "metrics"))
        yield from _v2_metrics(metrics, f"spec.{name}.autoScaling.metrics")
        if component and not scale_metric and not metrics and metric is None and _makes_cpu_hpa(obj, component):
            yield f"spec.{name} has no scaleMetric: KServe makes an HPA on cpu at 80 % then"


def _makes_cpu_hpa(obj: KubernetesObject, component: Object) -> bool:
    """Whether KServe's default, an HPA on CPU, would really scale this component."""
    chosen = text(obj.annotations.get(KSERVE_CLASS))
    standard = text(obj.annotations.get(KSERVE_MODE)) in _PODS_WITHOUT_KNATIVE
    least = whole(component.get("minReplicas"))
    most = whole(component.get("maxReplicas")) or 0
    # With the same number at both ends the HPA is inert.
    return (chosen == "hpa" or (standard and chosen is None)) and most > max(1 if least is None else least, 1)


def _knative(annotations: Object, where: str) -> list[str]:
    metric = text(annotations.get(KNATIVE_METRIC))
    if metric in HOST_RESOURCES:
        return [f"{where}annotation {KNATIVE_METRIC} is {metric}"]
    chosen = text(annotations.get(KNATIVE_CLASS)) or ""
    if chosen.startswith("hpa.") and known(metric) is None:
        return [f"{where}annotation {KNATIVE_CLASS} is {chosen} without a metric: it scales on cpu then"]
    return []
