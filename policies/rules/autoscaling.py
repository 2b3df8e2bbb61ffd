"""Nothing scales a language model on CPU or memory, nor on no metric, which is CPU. Imports the rule and the resources.

The readers return what they find as words; whether a language model stands behind a scaler is the rules' to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from policies.cel import HPA as CEL_HPA
from policies.cel import SCALED_JOB as SCALED_JOB_CEL
from policies.cel import SCALED_OBJECT as CEL_SCALED_OBJECT
from policies.cel import Validation, listed, quoted
from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, known, mapping, mappings, sequence, text, whole
from policies.resources.pods import KSERVE_GROUP
from policies.resources.queries import SOURCES, V1_METRICS
from policies.resources.scalers import HPA, SCALED_JOB, SCALED_OBJECT, is_scaler
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.workloads import Evidence
from policies.rule import Flaw, Severity, rule, stack_rule

HOST_RESOURCES = ("cpu", "memory")
KNATIVE_CLASS, KNATIVE_METRIC = "autoscaling.knative.dev/class", "autoscaling.knative.dev/metric"
KSERVE_CLASS, KSERVE_METRIC, KSERVE_MODE = (
    "serving.kserve.io/autoscalerClass", "serving.kserve.io/metric", "serving.kserve.io/deploymentMode",
)  # fmt: skip
_PODS_WITHOUT_KNATIVE = ("Standard", "RawDeployment")
_KSERVE_COMPONENTS = ("predictor", "transformer", "explainer")
# CPU and memory as series: of cAdvisor, the node exporter, a process, Triton, a cloud. Not a KV cache in CPU memory.
_SERIES = (
    r"(?:^|[^A-Za-z0-9_])(container_cpu_\w+|container_memory_\w+|node_cpu_\w+|node_memory_\w+|process_cpu_\w+"
    r"|process_resident_memory_\w+|nv_cpu_\w+|(?:CPU|Memory)Utilization|Percentage CPU"
    r"|(?:pod_|container_)?(?:cpu|memory)_(?:utili[sz]ation|usage)\w*"
    r"|kubernetes\.(?:cpu|memory)\.[\w.]+)"
)
_HOST_SERIES = re.compile(_SERIES)

WHY = (
    "the GPU does the work, so the CPU is as busy with one request as with fifty, and resident memory never falls: "
    "the replicas do not follow the load, and requests queue while the scaler sees nothing"
)
LINK = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"
_METRICS = {
    "vllm": "vllm:num_requests_running + vllm:num_requests_waiting",
    "llama.cpp": "llamacpp:requests_processing + llamacpp:requests_deferred",
    "tgi": "tgi_batch_current_size + tgi_queue_size",
    "triton": "nv_inference_pending_request_count",
    "sglang": "sglang:num_running_reqs + sglang:num_queue_reqs",
}


_SCALE_ON_LOAD = "scale on requests in flight, by a KEDA prometheus trigger or an HPA External metric"
_HOST, _SAYS_HOST = listed(HOST_RESOURCES), f"matches({quoted(_SERIES)})"
CEL = (
    Validation(
        (CEL_HPA,),
        "!variables.servesLanguageModel || (has(object.spec.metrics) && !object.spec.metrics.exists(metric,"
        f" metric.?resource.?name.orValue('') in {_HOST} || metric.?containerResource.?name.orValue('') in {_HOST} || "
        + " || ".join(
            f"metric.?{kind}.?metric.?name.orValue('').{_SAYS_HOST}" for kind in ("pods", "object", "external")
        )
        + "))",
        "a language model is scaled on CPU or memory, or on no metric, which is CPU",
        _SCALE_ON_LOAD,
    ),
    Validation(
        (CEL_SCALED_OBJECT, SCALED_JOB_CEL),
        "!variables.servesLanguageModel || !object.spec.?triggers.orValue([]).exists(trigger,"
        f" trigger.type in {_HOST} || trigger.?metadata.?query.orValue('').{_SAYS_HOST})",
        "a language model is scaled on CPU or memory",
        _SCALE_ON_LOAD,
    ),
)


@rule("host-metric", Severity.HIGH, WHY, LINK, cel=CEL)
def host_metric(subject: Subject) -> Iterator[Flaw]:
    """A scaler of CPU or memory that says itself, or whose own pods say, that a language model is behind it."""
    found = host_metrics(subject.obj)
    if found and subject.served and subject.served.language:
        yield from _flaws(subject, found, subject.served, f"a language model ({subject.served})")


@stack_rule("host-metric-in-stack", Severity.HIGH, WHY, LINK)
def host_metric_in_stack(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A scaler of CPU or memory whose target serves a language model; `host-metric` has what it shows alone."""
    found = host_metrics(subject.obj) if is_scaler(subject.obj) else []
    if not found or subject.served:
        return
    for workload in stack.workloads_of(subject):
        if (served := workload.served) and served.language:
            yield from _flaws(subject, found, served, f"it scales {workload}, a language model ({served})")


RULES = (host_metric, host_metric_in_stack)


def _flaws(subject: Subject, found: list[str], served: Evidence, behind: str) -> Iterator[Flaw]:
    yield from (Flaw(f"{one}; {behind}", _fix(subject.obj, served.engine)) for one in found)


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
    kind = text(metric.get("type")) or next((name for name, key in SOURCES.items() if key in metric), "")
    source = mapping(metric.get(SOURCES.get(kind, "")))
    if kind in ("Resource", "ContainerResource"):
        name = text(source.get("name")) or ""
        return f"{where} is {kind} {name}{_target(source)}" if name in HOST_RESOURCES else None
    named = text(dig(source, "metric", "name")) or text(source.get("metricName"))  # v2, v2beta1
    match = _HOST_SERIES.search(named or text(dig(source, "metric", "query")) or "")  # the last is KServe's own
    return f"{where} is {kind} metric {match[1]}" if match else None


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
    metadata = mapping(trigger.get("metadata"))
    match = _HOST_SERIES.search(text(metadata.get("query")) or text(metadata.get("metricName")) or "")
    return f"{where} is a {kind} trigger on {match[1]}" if match else None


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
