"""What a scaler asks a metrics system for, and which engines' metrics are among it. Imports the facts and `objects`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, mapping, mappings, sequence, text
from policies.resources.pods import KSERVE_GROUP
from policies.resources.replicas import KSERVE_COMPONENTS
from policies.resources.scalers import HPA, SCALED_JOB, SCALED_OBJECT, is_scaler
from substrate.facts.metrics import REGISTRIES, asked_for, is_exported, outlives
from substrate.facts.metrics.types import Registry

# The annotation in which an autoscaling/v1 object carries the metrics of v2.
V1_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
SOURCES = {
    "Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object",
    "External": "external", "PodMetric": "podmetric",
}  # fmt: skip
# Metrics of pods that are there: at none there is no sample of them, whoever stores it.
_OF_PODS = ("cpu", "memory", "pods", "podmetric", "resource", "containerresource")
# An engine's metric as prometheus-adapter names it: without the colon, a counter without its ending.
_RENAMED = re.compile(r"(vllm|llamacpp|sglang)_(\w+)")
ADAPTED = ("", "_total", "_seconds_total")


@dataclass(frozen=True)
class Query:
    """One thing that a scaler asks for. `kind` is the trigger's or metric's type, `text` what is asked.

    `renamed`: an adapter serves it, under names of its own.
    """

    place: str
    kind: str
    text: str
    renamed: bool = False

    @cached_property
    def of_engines(self) -> list[tuple[Registry, str]]:
        """The engines' metrics in it, by name."""
        return asked_for(self.text)

    @property
    def of_the_pods(self) -> bool:
        """Whether only pods that run can answer it: their engine's metrics, or what they take of the node."""
        if self.kind.lower() in _OF_PODS:
            return True
        names = [name for _, name in self.of_engines] or _original(self.text)
        return bool(names) and not any(outlives(name) for name in names)


def _original(text: str) -> list[str]:
    """The names that an adapter may have made a metric's name of; none where no engine exports such a thing."""
    match = _RENAMED.fullmatch(text)
    names = [f"{match[1]}:{match[2]}{ending}" for ending in ADAPTED] if match else []
    return [name for name in names if any(is_exported(registry, name) for registry in REGISTRIES)]


def queries(obj: KubernetesObject) -> list[Query]:
    """Everything that an object scales on. Raises UnknownValueError."""
    if is_scaler(obj):
        if obj.kind == HPA:
            return [*_metrics(obj.spec.get("metrics"), "spec.metrics"), *_annotated(obj)]
        return _triggers(obj.spec.get("triggers"), "spec") if obj.kind in (SCALED_OBJECT, SCALED_JOB) else []
    return list(_of_kserve(obj)) if obj.group == KSERVE_GROUP else []


def _of_kserve(obj: KubernetesObject) -> Iterator[Query]:
    if obj.kind == "InferenceService":
        for name in KSERVE_COMPONENTS:
            path = ("spec", name, "autoScaling", "metrics")
            yield from _metrics(dig(obj.body, *path), ".".join(path))
    elif obj.kind == "LLMInferenceService":
        for part in (("spec", "scaling", "keda"), ("spec", "prefill", "scaling", "keda")):
            yield from _triggers(dig(obj.body, *part, "triggers"), ".".join(part))


def _triggers(triggers: Any, where: str) -> list[Query]:
    return [
        Query(f"{where}.triggers[{index}]", text(trigger.get("type")) or "", _asked(mapping(trigger.get("metadata"))))
        for index, trigger in enumerate(mappings(triggers))
    ]


def _asked(metadata: Object) -> str:
    return text(metadata.get("query")) or text(metadata.get("metricName")) or ""


def _metrics(metrics: Any, where: str) -> list[Query]:
    return [_metric(metric, f"{where}[{index}]") for index, metric in enumerate(mappings(metrics))]


def _metric(metric: Object, place: str) -> Query:
    kind = text(metric.get("type")) or next((name for name, key in SOURCES.items() if key in metric), "")
    source = mapping(metric.get(SOURCES.get(kind, "")))
    query = text(dig(source, "metric", "query"))  # KServe's own form
    names = " ".join(text(name) or "" for name in sequence(dig(source, "metric", "metricNames")))
    named = text(dig(source, "metric", "name")) or text(source.get("metricName"))  # v2, v2beta1
    return Query(place, kind, query or names or named or text(source.get("name")) or "", renamed=not (query or names))


def _annotated(obj: KubernetesObject) -> list[Query]:
    written = text(obj.annotations.get(V1_METRICS)) if obj.api_version == "autoscaling/v1" else None
    try:
        metrics = json.loads(written) if written else []
    except ValueError:
        return []
    return _metrics(metrics if isinstance(metrics, list) else [], f"annotation {V1_METRICS}")
